using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// A private key that makes RS256 signatures. Its id is its public part's thumbprint (RFC 7638). Safe for many threads.
/// </summary>
public sealed class SigningKey
{
    private readonly RSAParameters key;

    private SigningKey(RSAParameters key)
    {
        this.key = key;
        VerificationKey = VerificationKey.FromPublicPart(key);
        Credentials = new SigningCredentials(new RsaSecurityKey(key) { KeyId = Id }, VerificationKey.Algorithm);
    }

    /// <summary>The key's id (<c>kid</c>).</summary>
    public string Id => VerificationKey.Id;

    /// <summary>The public part.</summary>
    public VerificationKey VerificationKey { get; }

    /// <summary>What the library signs with.</summary>
    internal SigningCredentials Credentials { get; }

    /// <summary>Makes a new key. This takes some tenths of a second.</summary>
    /// <param name="bits">The modulus's length: 2048 to 4096 bits, a multiple of 8.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is out of bounds.</exception>
    public static SigningKey Create(int bits = VerificationKey.MinBits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, VerificationKey.MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, VerificationKey.MaxBits);
        ArgumentOutOfRangeException.ThrowIfNotEqual(bits % 8, 0, nameof(bits));
        using var created = RSA.Create(bits);
        return new SigningKey(created.ExportParameters(includePrivateParameters: true));
    }

    /// <summary>Loads a key that <see cref="ExportPkcs8"/> saved.</summary>
    /// <exception cref="CryptographicException">The bytes are not one RSA private key in PKCS#8.</exception>
    /// <exception cref="FormatException">The key is out of our bounds.</exception>
    public static SigningKey FromPkcs8(ReadOnlySpan<byte> pkcs8)
    {
        using var loaded = RSA.Create();
        loaded.ImportPkcs8PrivateKey(pkcs8, out var read);
        return read == pkcs8.Length
            ? new SigningKey(loaded.ExportParameters(includePrivateParameters: true))
            : throw new CryptographicException("Bytes follow the private key.");
    }

    /// <summary>The private key in PKCS#8, unencrypted: whoever stores it must protect it.</summary>
    public byte[] ExportPkcs8()
    {
        using var loaded = RSA.Create(key);
        return loaded.ExportPkcs8PrivateKey();
    }
}
