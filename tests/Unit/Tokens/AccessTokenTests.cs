using System.Text.Json;
using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

public class AccessTokenTests
{
    private readonly Forge forge = new();

    [Fact]
    public void An_issued_token_is_accepted_with_its_claims()
    {
        var claims = forge.Claims("member", "operator");
        var token = forge.ShouldAccept(AccessTokenIssuer.Issue(Forge.Key, claims, Forge.Options));
        token.ShouldBe(claims with { Roles = token.Roles });
        token.Roles.ShouldBe(["member", "operator"]);
        token.IsOperator.ShouldBeTrue();
        token.ExpiresAt.ShouldBe(forge.Clock.Now + TimeSpan.FromMinutes(30));
        forge.Claims("member").IsOperator.ShouldBeFalse();
        forge.Claims("OPERATOR", "operators").IsOperator.ShouldBeFalse();
    }

    [Fact]
    public void An_issued_token_has_the_header_and_claims_of_RFC_9068()
    {
        var parts = forge.Issue("member").Split('.');
        Decoded(parts[0]).GetRawText().ShouldBe($$"""{"alg":"RS256","kid":"{{Forge.Key.Id}}","typ":"at+jwt"}""");
        Decoded(parts[1])
            .EnumerateObject()
            .Select(m => m.Name)
            .ShouldBe(["iss", "aud", "sub", "sid", "jti", "iat", "exp", "roles"], ignoreOrder: true);
    }

    [Fact]
    public void New_claims_are_cut_to_whole_seconds()
    {
        forge.Clock.Now += TimeSpan.FromMilliseconds(999);
        var claims = forge.Claims();
        claims.IssuedAt.ShouldBe(forge.Clock.Now - TimeSpan.FromMilliseconds(999));
        forge.ShouldAccept(AccessTokenIssuer.Issue(Forge.Key, claims, Forge.Options)).IssuedAt.ShouldBe(claims.IssuedAt);
    }

    [Fact]
    public void A_token_too_long_to_verify_is_not_issued() =>
        Should.Throw<ArgumentException>(() => forge.Issue([.. Enumerable.Repeat("a-role-among-many", 400)]));

    [Fact]
    public void A_token_lives_until_its_last_second_and_not_longer()
    {
        var token = forge.Issue("member");
        var late = forge.Issue("operator");
        forge.Clock.Now += TimeSpan.FromMinutes(30) - TimeSpan.FromTicks(1);
        forge.ShouldAccept(token);
        forge.Clock.Now += TimeSpan.FromTicks(1);
        forge.ShouldRefuse(token, TokenRefusal.Expired);
        forge.ShouldRefuse(late, TokenRefusal.Expired);
    }

    [Fact]
    public void The_token_of_a_host_whose_clock_is_a_little_ahead_is_accepted()
    {
        forge.ShouldAccept(Forge.Sign(Forge.Header, forge.Payload("iat", $"{forge.Now + 30}")));
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("iat", $"{forge.Now + 31}")), TokenRefusal.NotYetValid);
        forge.ShouldAccept(Forge.Sign(Forge.Header, forge.Payload("nbf", $"{forge.Now + 30}")));
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("nbf", $"{forge.Now + 31}")), TokenRefusal.NotYetValid);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("nbf", "253402300799")), TokenRefusal.NotYetValid);
    }

    [Theory]
    [InlineData("\"boon\"")]
    [InlineData("[\"boon\"]")]
    [InlineData("[\"other\",\"boon\"]")]
    [InlineData("[\"boon\",\"other\"]")]
    public void An_audience_may_be_one_of_several(string aud) =>
        forge.ShouldAccept(Forge.Sign(Forge.Header, forge.Payload("aud", aud)));

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("AT+JWT")]
    [InlineData("application/at+jwt")]
    [InlineData("Application/At+Jwt")]
    [InlineData("at\\u002bjwt")]
    public void The_type_is_a_media_type(string typ) =>
        forge.ShouldAccept(Forge.Sign(Forge.Header.Replace("at+jwt", typ), forge.Payload()));

    [Fact]
    public void White_space_and_further_claims_do_not_matter() =>
        forge
            .ShouldAccept(
                Forge.Sign(
                    Forge.Header.Replace(",", " ,\r\n\t"),
                    " " + forge.Payload("https://example.com/", "{\"a\":[1,{\"b\":null}]}").Replace(",", "\n, ") + " "
                )
            )
            .Subject.ShouldBe(Forge.Subject);

    [Fact]
    public void An_unusual_name_is_compared_as_it_is()
    {
        var options = new TokenOptions { Issuer = "https://bôn.example/\"a\"", Audience = "多 & <b>" };
        var verifier = new TestVerifier(new AccessTokenVerifier(options, forge.Clock, _ => Forge.Key.VerificationKey, _ => false));
        var token = AccessTokenIssuer.Issue(Forge.Key, forge.Claims(), options);
        verifier.Verify(token).IsValid.ShouldBeTrue();
        forge.ShouldRefuse(token, TokenRefusal.WrongIssuer);
    }

    [Fact]
    public void Keys_rotate_without_signing_anyone_out()
    {
        var before = forge.Issue("member");
        forge.Keys[Forge.Other.Id] = Forge.Other.VerificationKey;
        var after = AccessTokenIssuer.Issue(Forge.Other, forge.Claims("member"), Forge.Options);
        forge.ShouldAccept(before);
        forge.ShouldAccept(after);
        forge.Keys.Remove(Forge.Key.Id);
        forge.ShouldRefuse(before, TokenRefusal.UnknownKey);
        forge.ShouldAccept(after);
    }

    private static JsonElement Decoded(string segment)
    {
        using var json = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(segment));
        return json.RootElement.Clone();
    }
}
