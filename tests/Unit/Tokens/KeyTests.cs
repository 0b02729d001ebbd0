using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

public class KeyTests
{
    private const string Rfc7638Modulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
            + "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
            + "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4"
            + "4-csFCur-kEgU8awapJzKnqDKgw";

    [Fact]
    public void The_thumbprint_of_RFC_7638_section_3_1_comes_out() =>
        VerificationKey
            .FromJwk(new JsonWebKey("RSA", null, "RS256", "2011-04-29", Rfc7638Modulus, "AQAB"))
            .Thumbprint()
            .ShouldBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");

    [Fact]
    public void A_signing_key_is_named_by_its_thumbprint() => Forge.Key.Id.ShouldBe(Forge.Key.VerificationKey.Thumbprint());

    [Fact]
    public void A_signing_key_survives_being_saved()
    {
        var loaded = SigningKey.FromPkcs8(Forge.Key.ExportPkcs8());
        loaded.Id.ShouldBe(Forge.Key.Id);
        Forge.Key.VerificationKey.Verifies("text"u8, loaded.Sign("text"u8)).ShouldBeTrue();
    }

    [Fact]
    public void A_verification_key_survives_being_published()
    {
        var json = JsonSerializer.Serialize(Forge.Key.VerificationKey.ToJwk());
        var loaded = VerificationKey.FromJwk(JsonSerializer.Deserialize<JsonWebKey>(json)!);
        loaded.IsSameAs(Forge.Key.VerificationKey).ShouldBeTrue();
        loaded.Verifies("text"u8, Forge.Key.Sign("text"u8)).ShouldBeTrue();
        using var members = JsonDocument.Parse(json);
        members.RootElement.EnumerateObject().Select(m => m.Name).ShouldBe(["kty", "use", "alg", "kid", "n", "e"]);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2047)]
    [InlineData(2049)]
    [InlineData(4097)]
    [InlineData(0)]
    public void A_key_length_out_of_bounds_is_refused(int bits) =>
        Should.Throw<ArgumentOutOfRangeException>(() => SigningKey.Create(bits));

    [Fact]
    public void A_saved_key_out_of_bounds_is_refused()
    {
        using var small = RSA.Create(1024);
        Should.Throw<FormatException>(() => SigningKey.FromPkcs8(small.ExportPkcs8PrivateKey()));
        Should.Throw<CryptographicException>(() => SigningKey.FromPkcs8([.. Forge.Key.ExportPkcs8(), 0]));
        Should.Throw<CryptographicException>(() => SigningKey.FromPkcs8([1, 2, 3]));
    }

    public static TheoryData<string, JsonWebKey> UnfitJwks()
    {
        var good = Forge.Key.VerificationKey.ToJwk();
        var modulus = Base64Url.DecodeFromChars(good.N);
        byte[] even = [.. modulus[..^1], (byte)(modulus[^1] & 0xFE)];
        return new TheoryData<string, JsonWebKey>
        {
            { "another kind", good with { Kty = "EC" } },
            { "kind in other letters", good with { Kty = "rsa" } },
            { "for encryption", good with { Use = "enc" } },
            { "another algorithm", good with { Alg = "PS256" } },
            { "no algorithm", good with { Alg = "none" } },
            { "no id", good with { Kid = "" } },
            { "exponent 3", good with { E = "Aw" } },
            { "exponent 1", good with { E = "AQ" } },
            { "exponent with a leading zero", good with { E = "AAEAAQ" } },
            { "no exponent", good with { E = "" } },
            { "no modulus", good with { N = "" } },
            { "padded modulus", good with { N = good.N + "==" } },
            { "modulus with white space", good with { N = " " + good.N } },
            { "modulus with a leading zero", good with { N = Base64Url.EncodeToString([0, .. modulus]) } },
            { "1024 bits", good with { N = Base64Url.EncodeToString(modulus.AsSpan(0, 128)) } },
            { "2040 bits", good with { N = Base64Url.EncodeToString(modulus.AsSpan(1)) } },
            { "8192 bits", good with { N = Base64Url.EncodeToString([.. modulus, .. modulus, .. modulus, .. modulus]) } },
            { "even modulus", good with { N = Base64Url.EncodeToString(even) } },
            { "zeros", good with { N = Base64Url.EncodeToString(new byte[256]) } },
        };
    }

    [Theory]
    [MemberData(nameof(UnfitJwks), DisableDiscoveryEnumeration = true)]
    public void An_unfit_JWK_is_refused(string why, JsonWebKey jwk) =>
        Should.Throw<FormatException>(() => VerificationKey.FromJwk(jwk), why);

    [Fact]
    public void A_signature_of_another_length_is_no_signature()
    {
        var signature = Forge.Key.Sign("text"u8);
        Forge.Key.VerificationKey.Verifies("text"u8, signature.AsSpan(0, 255)).ShouldBeFalse();
        Forge.Key.VerificationKey.Verifies("text"u8, [.. signature, 0]).ShouldBeFalse();
        Forge.Key.VerificationKey.Verifies("text"u8, [0, .. signature]).ShouldBeFalse();
        Forge.Key.VerificationKey.Verifies("text"u8, []).ShouldBeFalse();
        Forge.Key.VerificationKey.Verifies("text"u8, signature).ShouldBeTrue();
    }

    [Fact]
    public void Many_threads_share_a_key()
    {
        var wrong = new ConcurrentQueue<int>();
        Parallel.For(
            0,
            200,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            n =>
            {
                byte[] text = [(byte)n];
                var signature = Forge.Key.Sign(text);
                if (!Forge.Key.VerificationKey.Verifies(text, signature) || Forge.Other.VerificationKey.Verifies(text, signature))
                {
                    wrong.Enqueue(n);
                }
            }
        );
        wrong.ShouldBeEmpty();
    }
}
