using System.Buffers.Text;
using System.Security.Cryptography;
using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

/// <summary>What is known to have fooled other verifiers, and what is near it.</summary>
public class TokenAttackTests
{
    private readonly Forge forge = new();

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("rs256")]
    [InlineData("Rs256")]
    [InlineData("RS256 ")]
    [InlineData("RS256\\u0000")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("EdDSA")]
    [InlineData("HS256")]
    [InlineData("HS512")]
    public void Another_algorithm_is_refused_though_the_signature_is_good(string alg)
    {
        var header = Forge.Header.Replace("RS256", alg);
        forge.ShouldRefuse(Forge.Sign(header, forge.Payload()), TokenRefusal.WrongAlgorithm);
        forge.ShouldRefuse($"{Forge.Encode(header)}.{Forge.Encode(forge.Payload())}.", TokenRefusal.Malformed);
        forge.ShouldRefuse($"{Forge.Encode(header)}.{Forge.Encode(forge.Payload())}.AA", TokenRefusal.WrongAlgorithm);
    }

    [Fact]
    public void A_signature_by_another_algorithm_under_an_RS256_header_is_refused()
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(Forge.Key.ExportPkcs8(), out _);
        var input = $"{Forge.Encode(Forge.Header)}.{Forge.Encode(forge.Payload())}";
        foreach (
            var signature in new[]
            {
                rsa.SignData(Forge.Bytes(input), HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
                rsa.SignData(Forge.Bytes(input), HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1),
                rsa.SignData(Forge.Bytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
                Forge.Other.Sign(Forge.Bytes(input)),
                new byte[256],
                [.. Enumerable.Repeat((byte)0xFF, 256)],
                [.. new byte[255], 1],
                Base64Url.DecodeFromChars(Forge.Key.VerificationKey.Modulus),
            }
        )
        {
            forge.ShouldRefuse($"{input}.{Base64Url.EncodeToString(signature)}", TokenRefusal.BadSignature);
        }
    }

    [Fact]
    public void The_public_key_is_no_secret_to_sign_with()
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(Forge.Key.ExportPkcs8(), out _);
        var hs256 = Forge.Header.Replace("RS256", "HS256");
        foreach (
            var secret in new[]
            {
                Forge.Bytes(rsa.ExportSubjectPublicKeyInfoPem()),
                Forge.Bytes(rsa.ExportSubjectPublicKeyInfoPem() + "\n"),
                Forge.Bytes(rsa.ExportRSAPublicKeyPem()),
                rsa.ExportSubjectPublicKeyInfo(),
                Base64Url.DecodeFromChars(Forge.Key.VerificationKey.Modulus),
                Forge.Bytes(Forge.Key.VerificationKey.Modulus),
                [],
            }
        )
        {
            forge.ShouldRefuse(Forge.Hmac(hs256, forge.Payload(), secret), TokenRefusal.WrongAlgorithm);
            forge.ShouldRefuse(Forge.Hmac(Forge.Header, forge.Payload(), secret), TokenRefusal.BadSignature);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("unknown")]
    [InlineData("../../../../dev/null")]
    [InlineData("..\\\\..\\\\nul")]
    [InlineData("' or '1'='1")]
    [InlineData("x' union select 'AA' --")]
    [InlineData("$(id)")]
    [InlineData("https://attacker.example/jwks.json")]
    [InlineData("\\u0000")]
    [InlineData("{0}")]
    public void An_unknown_key_is_only_looked_up(string kid)
    {
        forge.ShouldRefuse(Forge.Sign(Forge.Header.Replace(Forge.Key.Id, kid), forge.Payload()), TokenRefusal.UnknownKey);
        forge.Lookups.Count.ShouldBe(1);
    }

    [Fact]
    public void The_key_s_id_counts_to_the_letter()
    {
        forge.ShouldRefuse(Forge.Sign(Forge.Header.Replace(Forge.Key.Id, Forge.Key.Id + " "), forge.Payload()), TokenRefusal.UnknownKey);
        forge.ShouldRefuse(
            Forge.Sign(Forge.Header.Replace(Forge.Key.Id, Forge.Key.Id + "\\u0000"), forge.Payload()),
            TokenRefusal.UnknownKey
        );
        forge.ShouldRefuse(Forge.Sign("""{"alg":"RS256","typ":"at+jwt"}""", forge.Payload()), TokenRefusal.UnknownKey);
        forge.Keys[Forge.Other.Id] = Forge.Other.VerificationKey;
        forge.ShouldRefuse(Forge.Sign(Forge.Header.Replace(Forge.Key.Id, Forge.Other.Id), forge.Payload()), TokenRefusal.BadSignature);
    }

    [Fact]
    public void A_key_that_the_header_brings_along_is_not_used()
    {
        var jwk = Forge.Other.VerificationKey.ToJwk();
        var input =
            Forge.Encode(
                $$"""
                {"alg":"RS256","typ":"at+jwt","kid":"{{Forge.Key.Id}}","jku":"https://attacker.example/","x5u":"https://attacker.example/",
                 "jwk":{"kty":"RSA","n":"{{jwk.N}}","e":"{{jwk.E}}"},"x5c":["AA=="],"b64":false}
                """
            )
            + "."
            + Forge.Encode(forge.Payload());
        forge.ShouldRefuse(
            $"{input}.{Base64Url.EncodeToString(Forge.Other.Sign(Forge.Bytes(input)))}",
            TokenRefusal.BadSignature
        );
    }

    [Theory]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","crit":["b64"],"b64":false}""")]
    [InlineData("""{"crit":[],"alg":"RS256","typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","crit":null}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","\u0063rit":["exp"]}""")]
    [InlineData("""{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","alg":"none","typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","\u0061lg":"RS256","typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","kid":"other"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","x":1,"x":1}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","x":1,"\u0078":1}""")]
    [InlineData("""{"alg":["RS256"],"typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":null,"typ":"at+jwt","kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","typ":true,"kid":"KID"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":7}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"\ud800"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID","\udc00":1}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID"}{}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID"},""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID",}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID" """)]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"KID"/**/}""")]
    [InlineData("""{'alg':'RS256','typ':'at+jwt','kid':'KID'}""")]
    [InlineData("""[{"alg":"RS256","typ":"at+jwt","kid":"KID"}]""")]
    [InlineData("\"RS256\"")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("\uFEFF{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"KID\"}")]
    [InlineData("{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"KID\"}\0")]
    [InlineData("{\"alg\":\"RS256\0\",\"typ\":\"at+jwt\",\"kid\":\"KID\"}")]
    public void An_odd_header_is_refused(string header) =>
        forge.ShouldRefuse(Forge.Sign(header.Replace("KID", Forge.Key.Id), forge.Payload()), TokenRefusal.Malformed);

    [Theory]
    [InlineData("""{"typ":"at+jwt","kid":"KID"}""", TokenRefusal.WrongAlgorithm)]
    [InlineData("""{"ALG":"RS256","typ":"at+jwt","kid":"KID"}""", TokenRefusal.WrongAlgorithm)]
    [InlineData("""{}""", TokenRefusal.WrongAlgorithm)]
    [InlineData("""{"alg":"RS256","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"JWT","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"rt+jwt","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"at+jwt ","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"text/at+jwt","kid":"KID"}""", TokenRefusal.WrongType)]
    [InlineData("""{"alg":"RS256","typ":"application/application/at+jwt","kid":"KID"}""", TokenRefusal.WrongType)]
    public void A_header_of_something_else_is_refused(string header, TokenRefusal refusal) =>
        forge.ShouldRefuse(Forge.Sign(header.Replace("KID", Forge.Key.Id), forge.Payload()), refusal);

    [Theory]
    [InlineData("iss", "\"Boon\"", TokenRefusal.WrongIssuer)]
    [InlineData("iss", "\"boon/\"", TokenRefusal.WrongIssuer)]
    [InlineData("iss", "\"boon\\u0000\"", TokenRefusal.WrongIssuer)]
    [InlineData("iss", "\"\"", TokenRefusal.WrongIssuer)]
    [InlineData("iss", null, TokenRefusal.WrongIssuer)]
    [InlineData("iss", "[\"boon\"]", TokenRefusal.Malformed)]
    [InlineData("iss", "null", TokenRefusal.Malformed)]
    [InlineData("aud", "\"boo\"", TokenRefusal.WrongAudience)]
    [InlineData("aud", "\"boon other\"", TokenRefusal.WrongAudience)]
    [InlineData("aud", "[\"other\"]", TokenRefusal.WrongAudience)]
    [InlineData("aud", "[]", TokenRefusal.WrongAudience)]
    [InlineData("aud", null, TokenRefusal.WrongAudience)]
    [InlineData("aud", "[\"boon\",1]", TokenRefusal.Malformed)]
    [InlineData("aud", "[[\"boon\"]]", TokenRefusal.Malformed)]
    [InlineData("aud", "{\"boon\":\"boon\"}", TokenRefusal.Malformed)]
    [InlineData("aud", "true", TokenRefusal.Malformed)]
    [InlineData("sub", null, TokenRefusal.Malformed)]
    [InlineData("sub", "\"\"", TokenRefusal.Malformed)]
    [InlineData("sub", "\"admin\"", TokenRefusal.Malformed)]
    [InlineData("sub", "\"{0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a01}\"", TokenRefusal.Malformed)]
    [InlineData("sub", "\"0198c9a27c3e7d108a552f6f0e5f4a01\"", TokenRefusal.Malformed)]
    [InlineData("sub", "\" 0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a01\"", TokenRefusal.Malformed)]
    [InlineData("sub", "1", TokenRefusal.Malformed)]
    [InlineData("sub", "[\"0198c9a2-7c3e-7d10-8a55-2f6f0e5f4a01\"]", TokenRefusal.Malformed)]
    [InlineData("sid", null, TokenRefusal.Malformed)]
    [InlineData("sid", "\"1\"", TokenRefusal.Malformed)]
    [InlineData("sid", "null", TokenRefusal.Malformed)]
    [InlineData("jti", null, TokenRefusal.Malformed)]
    [InlineData("jti", "\"x\"", TokenRefusal.Malformed)]
    [InlineData("roles", null, TokenRefusal.Malformed)]
    [InlineData("roles", "\"operator\"", TokenRefusal.Malformed)]
    [InlineData("roles", "{\"operator\":true}", TokenRefusal.Malformed)]
    [InlineData("roles", "[\"member\",null]", TokenRefusal.Malformed)]
    [InlineData("roles", "[[\"operator\"]]", TokenRefusal.Malformed)]
    [InlineData("roles", "[\"\\ud800\"]", TokenRefusal.Malformed)]
    [InlineData("exp", "1", TokenRefusal.Expired)]
    [InlineData("exp", "0", TokenRefusal.Expired)]
    [InlineData("exp", null, TokenRefusal.Malformed)]
    [InlineData("exp", "null", TokenRefusal.Malformed)]
    [InlineData("exp", "\"1900000000\"", TokenRefusal.Malformed)]
    [InlineData("exp", "1900000000.5", TokenRefusal.Malformed)]
    [InlineData("exp", "1.9e9", TokenRefusal.Malformed)]
    [InlineData("exp", "19e8", TokenRefusal.Malformed)]
    [InlineData("exp", "-1", TokenRefusal.Malformed)]
    [InlineData("exp", "01900000000", TokenRefusal.Malformed)]
    [InlineData("exp", "253402300800", TokenRefusal.Malformed)]
    [InlineData("exp", "9223372036854775807", TokenRefusal.Malformed)]
    [InlineData("exp", "9223372036854775808", TokenRefusal.Malformed)]
    [InlineData("exp", "1e999", TokenRefusal.Malformed)]
    [InlineData("exp", "Infinity", TokenRefusal.Malformed)]
    [InlineData("exp", "NaN", TokenRefusal.Malformed)]
    [InlineData("exp", "[1900000000]", TokenRefusal.Malformed)]
    [InlineData("exp", "true", TokenRefusal.Malformed)]
    [InlineData("iat", null, TokenRefusal.Malformed)]
    [InlineData("iat", "\"0\"", TokenRefusal.Malformed)]
    [InlineData("iat", "253402300799", TokenRefusal.NotYetValid)]
    [InlineData("nbf", "\"0\"", TokenRefusal.Malformed)]
    [InlineData("nbf", "null", TokenRefusal.Malformed)]
    [InlineData("nbf", "-1", TokenRefusal.Malformed)]
    [InlineData("nbf", "253402300799", TokenRefusal.NotYetValid)]
    [InlineData("x", "1,\"x\":2", TokenRefusal.Malformed)]
    [InlineData("x", "1,\"exp\":4000000000", TokenRefusal.Malformed)]
    [InlineData("x", "1,\"\\u0065xp\":4000000000", TokenRefusal.Malformed)]
    [InlineData("x", "1,\"roles\":[\"operator\"]", TokenRefusal.Malformed)]
    [InlineData("x", "1,\"nbf\":1,\"nbf\":1", TokenRefusal.Malformed)]
    [InlineData("x", "\"\u0001\"", TokenRefusal.Malformed)]
    [InlineData("x", "undefined", TokenRefusal.Malformed)]
    [InlineData("\\ud800", "1", TokenRefusal.Malformed)]
    [InlineData("EXP", "1", TokenRefusal.None)]
    public void A_claim_that_is_wrong_is_refused_though_the_signature_is_good(string claim, string? json, TokenRefusal refusal) =>
        forge.Verifier.Verify(Forge.Sign(Forge.Header, forge.Payload(claim, json))).Refusal.ShouldBe(refusal);

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("\"text\"")]
    [InlineData(" ")]
    [InlineData("{}")]
    [InlineData("{}{}")]
    [InlineData("not JSON")]
    public void A_payload_that_is_no_claims_object_is_refused(string payload) =>
        forge.ShouldRefuse(Forge.Sign(Forge.Header, payload), TokenRefusal.Malformed);

    [Fact]
    public void A_payload_in_an_array_or_followed_by_anything_is_refused()
    {
        forge.ShouldRefuse(Forge.Sign(Forge.Header, $"[{forge.Payload()}]"), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload() + "x"), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload() + "\0"), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, "\uFEFF" + forge.Payload()), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload()[..^1]), TokenRefusal.Malformed);
    }

    [Fact]
    public void Deep_nesting_is_refused_without_being_followed()
    {
        forge.ShouldAccept(Forge.Sign(Forge.Header, forge.Payload("x", Nested(7))));
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("x", Nested(8))), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("x", Nested(2_000))), TokenRefusal.Malformed);
        forge.ShouldRefuse(Forge.Sign(Nested(2_500), forge.Payload()), TokenRefusal.Malformed);
    }

    [Fact]
    public void Bytes_that_are_no_UTF_8_are_refused_even_where_nobody_reads_them()
    {
        var text = forge.Payload("x", "\"~\"");
        foreach (byte[] bad in new byte[][] { [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82] })
        {
            var at = text.IndexOf('~', StringComparison.Ordinal);
            byte[] payload = [.. Forge.Bytes(text[..at]), .. bad, .. Forge.Bytes(text[(at + 1)..])];
            forge.ShouldRefuse(Forge.Sign(Forge.Bytes(Forge.Header), payload), TokenRefusal.Malformed);
            byte[] header = [.. Forge.Bytes(Forge.Header[..^1] + ",\"x\":\""), .. bad, .. "\"}"u8];
            forge.ShouldRefuse(Forge.Sign(header, Forge.Bytes(forge.Payload())), TokenRefusal.Malformed);
        }
    }

    [Fact]
    public void Every_bit_of_the_signature_counts()
    {
        var parts = forge.Issue("member").Split('.');
        var signature = Base64Url.DecodeFromChars(parts[2]);
        for (var bit = 0; bit < signature.Length * 8; bit++)
        {
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
            forge.ShouldRefuse($"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(signature)}", TokenRefusal.BadSignature);
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Parts_of_good_tokens_do_not_make_another()
    {
        var (member, other) = (forge.Issue("member").Split('.'), forge.Issue("operator").Split('.'));
        forge.ShouldRefuse($"{member[0]}.{other[1]}.{member[2]}", TokenRefusal.BadSignature);
        forge.ShouldRefuse($"{member[0]}.{member[1]}.{other[2]}", TokenRefusal.BadSignature);
        forge.ShouldRefuse($"{member[1]}.{member[0]}.{member[2]}", TokenRefusal.WrongAlgorithm);
        forge.ShouldRefuse($"{member[2]}.{member[1]}.{member[0]}", TokenRefusal.Malformed);
    }

    [Fact]
    public void The_text_has_one_form_only()
    {
        var token = forge.Issue("member");
        var parts = token.Split('.');
        var (h, p, s) = (parts[0], parts[1], parts[2]);
        string?[] others =
        [
            null,
            "",
            " ",
            ".",
            "..",
            "...",
            h,
            $"{h}.{p}",
            $"{h}.{p}.",
            $"{h}..{s}",
            $".{p}.{s}",
            $"{token}.",
            $"{token}..",
            $".{token}",
            $"{token}.{s}",
            $"{token}.AA.AA",
            $"{h}.{p}..{s}",
            $"{token}=",
            $"{token}==",
            $"{h}=.{p}.{s}",
            $"{h}.{p}=.{s}",
            $"{h}.{p}==.{s}",
            $"{token}%3D",
            $" {token}",
            $"{token} ",
            $"{token}\n",
            $"{token}\r\n",
            $"{h}\n.{p}.{s}",
            $"{h}.{p[..20]}\n{p[20..]}.{s}",
            $"{h}.{p}. {s}",
            $"\t{token}",
            $"{token}\0",
            $"\0{token}",
            $"{h}.{p}\0.{s}",
            $"\uFEFF{token}",
            $"{token}\u200B",
            $"{h}．{p}．{s}",
            $"Bearer {token}",
            $"\"{token}\"",
            $"{token},{token}",
            $"{token}A",
            $"{token}AA",
            $"{h}A.{p}.{s}",
            token[..^1],
            token.Replace('.', ':'),
            Convert.ToBase64String(Forge.Bytes(token)),
        ];
        others.Where(o => o is not null).ShouldNotContain(token);
        foreach (var other in others)
        {
            forge.Verifier.Verify(other).IsValid.ShouldBeFalse(other);
        }

        forge.ShouldAccept(token);
    }

    [Fact]
    public void The_alphabet_of_plain_base64_is_refused()
    {
        // 0xFB 0xFF gives - and _ in the signature or not; a kind of token is looked for that has both.
        var token = Enumerable.Range(0, 100).Select(_ => forge.Issue("member")).First(t => t.Contains('-') && t.Contains('_'));
        forge.ShouldRefuse(token.Replace('-', '+'), TokenRefusal.Malformed);
        forge.ShouldRefuse(token.Replace('_', '/'), TokenRefusal.Malformed);
        forge.ShouldAccept(token);
    }

    [Fact]
    public void A_last_character_with_unused_bits_set_is_refused()
    {
        // 256 bytes leave two characters for the last byte: the last carries four bits that mean nothing.
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var token = forge.Issue("member");
        var last = Alphabet.IndexOf(token[^1], StringComparison.Ordinal);
        (last % 16).ShouldBe(0);
        for (var unused = 1; unused < 16; unused++)
        {
            forge.ShouldRefuse(token[..^1] + Alphabet[last + unused], TokenRefusal.Malformed);
        }
    }

    [Fact]
    public void A_huge_token_is_refused_unread()
    {
        var longest = Forge.Sign(Forge.Header, forge.Payload("x", $"\"{new string('x', 5_300)}\""));
        longest.Length.ShouldBeInRange(7_500, AccessTokenVerifier.MaxTokenLength);
        forge.ShouldAccept(longest);
        forge.Lookups.Clear();
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("x", $"\"{new string('x', 7_000)}\"")), TokenRefusal.Malformed);
        forge.ShouldRefuse(new string('A', AccessTokenVerifier.MaxTokenLength + 1), TokenRefusal.Malformed);
        forge.ShouldRefuse(new string('.', 10_000_000), TokenRefusal.Malformed);
        forge.ShouldRefuse(new string('.', AccessTokenVerifier.MaxTokenLength), TokenRefusal.Malformed);
        forge.Lookups.ShouldBeEmpty();
    }

    private static string Nested(int levels) => new string('[', levels) + new string(']', levels);
}
