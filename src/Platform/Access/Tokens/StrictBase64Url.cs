using System.Buffers;
using System.Buffers.Text;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Base64url as RFC 7515 section 2 wants it and no other: no padding, no white space, unused bits zero. So each value
/// has one text, and a token cannot be altered and still mean the same.
/// </summary>
internal static class StrictBase64Url
{
    private static readonly SearchValues<byte> Alphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8
    );

    /// <summary>Decodes a non-empty text; false, and nothing to rely on in the destination, if it is not canonical.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> destination, out int written)
    {
        // The framework refuses unused bits and impossible lengths, but takes padding and skips white space.
        written = 0;
        return !text.IsEmpty
            && !text.ContainsAnyExcept(Alphabet)
            && Base64Url.DecodeFromUtf8(text, destination, out _, out written) == OperationStatus.Done;
    }
}
