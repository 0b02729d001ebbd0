namespace Boon.Platform.Access.Tokens;

/// <summary>A compact JWS (RFC 7515 section 7.1), taken apart and decoded; nothing in it is verified yet.</summary>
internal readonly ref struct CompactJws
{
    internal ReadOnlySpan<byte> SigningInput { get; private init; }
    internal ReadOnlySpan<byte> Header { get; private init; }
    internal ReadOnlySpan<byte> Payload { get; private init; }
    internal ReadOnlySpan<byte> Signature { get; private init; }

    /// <summary>
    /// Wants exactly three non-empty canonical segments. The buffer, as long as the text, holds the decoded parts.
    /// </summary>
    internal static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> buffer, out CompactJws jws)
    {
        jws = default;
        var headerEnd = text.IndexOf((byte)'.');
        var payloadEnd = text.LastIndexOf((byte)'.');
        if (headerEnd == payloadEnd)
        {
            return false;
        }

        // A dot between the first and the last is outside the alphabet, so a fourth segment is refused in decoding.
        if (!StrictBase64Url.TryDecode(text[..headerEnd], buffer, out var headerLength))
        {
            return false;
        }

        var payload = buffer[headerLength..];
        if (!StrictBase64Url.TryDecode(text[(headerEnd + 1)..payloadEnd], payload, out var payloadLength))
        {
            return false;
        }

        var signature = payload[payloadLength..];
        if (!StrictBase64Url.TryDecode(text[(payloadEnd + 1)..], signature, out var signatureLength))
        {
            return false;
        }

        jws = new CompactJws
        {
            SigningInput = text[..payloadEnd],
            Header = buffer[..headerLength],
            Payload = payload[..payloadLength],
            Signature = signature[..signatureLength],
        };
        return true;
    }
}
