using System.Security.Cryptography;
using Microsoft.Extensions.ObjectPool;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// A private key that makes RS256 signatures. Its id is its public part's thumbprint (RFC 7638). Safe for many threads.
/// </summary>
public sealed class SigningKey
{
    private readonly ObjectPool<RSA> rsa;

    private SigningKey(RSAParameters key)
    {
        VerificationKey = VerificationKey.FromPublicPart(key);
        rsa = RsaPool.Of(key);
    }

    /// <summary>The key's id (<c>kid</c>).</summary>
    public string Id => VerificationKey.Id;

    /// <summary>The public part.</summary>
    public VerificationKey VerificationKey { get; }

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
        if (read != pkcs8.Length)
        {
            throw new CryptographicException("Bytes follow the private key.");
        }

        return new SigningKey(loaded.ExportParameters(includePrivateParameters: true));
    }

    /// <summary>The private key in PKCS#8, unencrypted: whoever stores it must protect it.</summary>
    public byte[] ExportPkcs8()
    {
        var borrowed = rsa.Get();
        var pkcs8 = borrowed.ExportPkcs8PrivateKey();
        rsa.Return(borrowed);
        return pkcs8;
    }

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256.</summary>
    internal byte[] Sign(ReadOnlySpan<byte> signingInput)
    {
        var borrowed = rsa.Get();
        var signature = borrowed.SignData(signingInput, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        rsa.Return(borrowed);
        return signature;
    }
}
