using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Boon.Intake.Reports;

/// <summary>
/// The id by which Boon knows a user of another system. A UUID stays what it is; any other text becomes a UUID of version 5 (RFC 9562,
/// section 5.5) in a namespace of Boon's own: the same text is the same user, whichever system reports it, and every language's library
/// computes the same.
/// </summary>
internal static class ExternalUser
{
    /// <summary>The longest text, in characters.</summary>
    internal const int LongestText = 255;

    /// <summary>The namespace of version 5.</summary>
    internal static readonly Guid Namespace = Guid.Parse("30efdf12-7390-4d32-91ae-191ce9026a44");

    internal static Guid IdOf(string text) => Guid.TryParseExact(text, "D", out var id) ? id : Version5(Namespace, text);

    [SuppressMessage("Security", "CA5350", Justification = "RFC 9562 says SHA-1; nothing is kept secret by it.")]
    internal static Guid Version5(Guid space, string name)
    {
        var bytes = SHA1.HashData([.. space.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(name)]).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x50);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
