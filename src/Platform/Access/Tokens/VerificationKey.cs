using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Boon.Platform.Access.Tokens;

/// <summary>A public key that verifies RS256 signatures (RFC 7518, section 3.3) and nothing else. Safe for many threads.</summary>
public sealed class VerificationKey
{
    /// <summary>Shorter keys are refused (RFC 7518, section 3.3), though the library takes 1024; unit: bits.</summary>
    public const int MinBits = 2048;

    /// <summary>Longer keys are refused: the cost of a verification grows with the square of the length. Unit: bits.</summary>
    public const int MaxBits = 4096;

    /// <summary>The one algorithm of our keys.</summary>
    public const string Algorithm = SecurityAlgorithms.RsaSha256;

    /// <summary>65537, base64url (<c>e</c>). No other: small ones invite forgeries, large ones verify slowly.</summary>
    public const string Exponent = "AQAB";

    private VerificationKey(string? id, byte[] modulus)
    {
        // A leading zero would give one key two texts; an even modulus is no product of two odd primes.
        if (modulus.Length is < MinBits / 8 or > MaxBits / 8 || modulus[0] < 0x80 || modulus[^1] % 2 == 0)
            throw new FormatException($"The modulus is not a whole, odd number of {MinBits} to {MaxBits} bits.");
        Modulus = Base64Url.EncodeToString(modulus);
        Security = new RsaSecurityKey(new RSAParameters { Modulus = modulus, Exponent = Base64Url.DecodeFromChars(Exponent) });
        Id = Security.KeyId = id ?? Thumbprint();
    }

    /// <summary>The key's id (<c>kid</c>).</summary>
    public string Id { get; }

    /// <summary>The modulus, base64url (<c>n</c>).</summary>
    public string Modulus { get; }

    /// <summary>What the library verifies with.</summary>
    internal RsaSecurityKey Security { get; }

    /// <summary>Takes a key over from its JWK.</summary>
    /// <exception cref="FormatException">The JWK is not an RS256 signature key within our bounds.</exception>
    public static VerificationKey FromJwk(JsonWebKey jwk)
    {
        if (jwk is not { Kty: "RSA", Use: null or "sig", Alg: null or Algorithm, E: Exponent })
            throw new FormatException("The JWK is not an RSA key for RS256 signatures with the exponent 65537.");
        if (string.IsNullOrEmpty(jwk.Kid))
            throw new FormatException("The JWK has no kid.");
        var modulus = Base64UrlEncoder.DecodeBytes(jwk.N);
        return Base64Url.EncodeToString(modulus) == jwk.N
            ? new VerificationKey(jwk.Kid, modulus)
            : throw new FormatException("The JWK's modulus is not canonical base64url.");
    }

    /// <summary>The key as a JWK, to publish.</summary>
    public JsonWebKey ToJwk() => new("RSA", "sig", Algorithm, Id, Modulus, Exponent);

    /// <summary>The SHA-256 thumbprint of the key (RFC 7638), base64url.</summary>
    public string Thumbprint() => Base64Url.EncodeToString(Security.ComputeJwkThumbprint());

    internal static VerificationKey FromPublicPart(RSAParameters key) =>
        key.Exponent.AsSpan().SequenceEqual(Base64Url.DecodeFromChars(Exponent))
            ? new VerificationKey(id: null, key.Modulus!)
            : throw new FormatException("The exponent is not 65537.");

    /// <summary>Whether both are the same key, though perhaps loaded twice.</summary>
    internal bool IsSameAs(VerificationKey other) => Id == other.Id && Modulus == other.Modulus;
}
