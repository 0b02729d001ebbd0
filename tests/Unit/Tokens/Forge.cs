using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

/// <summary>One installation's keys, clock and verifier, and the means to sign what its issuer never would.</summary>
internal sealed class Forge
{
    internal static readonly SigningKey Key = SigningKey.Create();
    internal static readonly SigningKey Other = SigningKey.Create();
    internal static readonly TokenOptions Options = new();
    internal static readonly Guid Subject = new("0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a01");
    internal static readonly Guid Session = new("0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a02");
    internal static readonly Guid TokenId = new("0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a03");

    internal Forge(int cacheCapacity = 100)
    {
        Keys[Key.Id] = Key.VerificationKey;
        Verifier = new TestVerifier(new AccessTokenVerifier(
            Options,
            Clock,
            id =>
            {
                Lookups.Add(id);
                return Keys.GetValueOrDefault(id);
            },
            Revoked.Contains,
            cacheCapacity
        ));
    }

    internal StoppedClock Clock { get; } = new();
    internal Dictionary<string, VerificationKey> Keys { get; } = [];
    internal HashSet<Guid> Revoked { get; } = [];
    internal List<string> Lookups { get; } = [];
    internal TestVerifier Verifier { get; }

    internal long Now => Clock.Now.ToUnixTimeSeconds();

    internal static string Header => $$"""{"alg":"RS256","typ":"at+jwt","kid":"{{Key.Id}}"}""";

    internal AccessToken Claims(params string[] roles) => AccessToken.New(Subject, Session, roles, Clock.Now, Options);

    internal string Issue(params string[] roles) => AccessTokenIssuer.Issue(Key, Claims(roles), Options);

    /// <summary>A good payload, with one claim replaced by other JSON text or, given null, left out; or with one more.</summary>
    internal string Payload(string? claim = null, string? json = null)
    {
        var claims = new Dictionary<string, string?>
        {
            ["iss"] = "\"boon\"",
            ["aud"] = "\"boon\"",
            ["sub"] = $"\"{Subject}\"",
            ["sid"] = $"\"{Session}\"",
            ["jti"] = $"\"{TokenId}\"",
            ["iat"] = $"{Now}",
            ["exp"] = $"{Now + 1800}",
            ["roles"] = "[\"member\"]",
        };
        if (claim is not null)
        {
            claims[claim] = json;
        }

        return $"{{{string.Join(',', claims.Where(c => c.Value is not null).Select(c => $"\"{c.Key}\":{c.Value}"))}}}";
    }

    /// <summary>Signed with our own key, whatever is signed: only the checks after the signature can refuse it.</summary>
    internal static string Sign(string header, string payload) => Sign(Bytes(header), Bytes(payload));

    internal static string Sign(byte[] header, byte[] payload)
    {
        var input = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload)}";
        return $"{input}.{Base64Url.EncodeToString(Key.Sign(Bytes(input)))}";
    }

    internal static string Hmac(string header, string payload, byte[] secret)
    {
        var input = $"{Encode(header)}.{Encode(payload)}";
        return $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Bytes(input)))}";
    }

    internal static string Encode(string text) => Base64Url.EncodeToString(Bytes(text));

    internal static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    internal void ShouldRefuse(string? token, TokenRefusal refusal)
    {
        var result = Verifier.Verify(token);
        result.ShouldSatisfyAllConditions(
            () => result.Refusal.ShouldBe(refusal, token),
            () => result.IsValid.ShouldBeFalse(token),
            () => result.Token.ShouldBeNull(token)
        );
    }

    internal AccessToken ShouldAccept(string token)
    {
        var result = Verifier.Verify(token);
        result.Refusal.ShouldBe(TokenRefusal.None, token);
        result.IsValid.ShouldBeTrue();
        return result.Token.ShouldNotBeNull();
    }
}

internal sealed class StoppedClock : TimeProvider
{
    internal DateTimeOffset Now { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Now.UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
}

/// <summary>Waits for each answer: with keys at hand, nothing in a verification waits for anything.</summary>
internal sealed class TestVerifier(AccessTokenVerifier verifier)
{
    internal int CachedTokens => verifier.CachedTokens;

    internal TokenVerification Verify(string? token)
    {
        var verification = verifier.VerifyAsync(token).AsTask();
        verification.IsCompleted.ShouldBeTrue();
        return verification.GetAwaiter().GetResult();
    }
}

/// <summary>The signatures themselves, whatever they sign.</summary>
internal static class Signatures
{
    internal static byte[] Sign(this SigningKey key, ReadOnlySpan<byte> text)
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(key.ExportPkcs8(), out _);
        return rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <summary>
    /// As the library verifies with the key that Boon gives it. It throws for an empty signature; no token gets there with one.
    /// </summary>
    internal static bool Verifies(this VerificationKey key, ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        var factory = key.Security.CryptoProviderFactory;
        var provider = factory.CreateForVerifying(key.Security, VerificationKey.Algorithm);
        try
        {
            return !signature.IsEmpty && provider.Verify(text.ToArray(), signature.ToArray());
        }
        finally
        {
            factory.ReleaseSignatureProvider(provider);
        }
    }

    /// <summary>Whether a compact JWS carries a signature of the key, whatever it says.</summary>
    internal static bool IsOf(JsonWebKey key, string jws)
    {
        var end = jws.LastIndexOf('.');
        return VerificationKey.FromJwk(key).Verifies(Forge.Bytes(jws[..end]), Base64Url.DecodeFromChars(jws.AsSpan(end + 1)));
    }
}
