using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

public class TokenCacheTests
{
    [Fact]
    public void A_token_seen_before_is_the_same_object_again()
    {
        var forge = new Forge();
        var token = forge.Issue("member");
        forge.ShouldAccept(token).ShouldBeSameAs(forge.ShouldAccept(token));
        forge.Verifier.CachedTokens.ShouldBe(1);
    }

    [Fact]
    public void A_refused_token_is_not_kept()
    {
        var forge = new Forge();
        forge.ShouldRefuse(forge.Issue("member")[..^2] + "AA", TokenRefusal.BadSignature);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("iss", "\"other\"")), TokenRefusal.WrongIssuer);
        forge.ShouldRefuse(Forge.Sign(Forge.Header, forge.Payload("exp", $"{forge.Now}")), TokenRefusal.Expired);
        forge.Verifier.CachedTokens.ShouldBe(0);
    }

    [Fact]
    public void A_session_ended_is_refused_at_once_and_others_are_not()
    {
        var forge = new Forge();
        var token = forge.Issue("member");
        var other = Forge.Sign(Forge.Header, forge.Payload("sid", $"\"{Forge.TokenId}\""));
        forge.ShouldAccept(token);
        forge.ShouldAccept(other);
        forge.Revoked.Add(Forge.Session);
        forge.ShouldRefuse(token, TokenRefusal.Revoked);
        forge.ShouldRefuse(forge.Issue("operator"), TokenRefusal.Revoked);
        forge.ShouldAccept(other);
    }

    [Fact]
    public void A_key_removed_or_replaced_is_noticed_for_tokens_seen_before()
    {
        var forge = new Forge();
        var token = forge.Issue("member");
        forge.ShouldAccept(token);
        forge.Keys.Remove(Forge.Key.Id);
        forge.ShouldRefuse(token, TokenRefusal.UnknownKey);
        forge.Keys[Forge.Key.Id] = VerificationKey.FromJwk(Forge.Other.VerificationKey.ToJwk() with { Kid = Forge.Key.Id });
        forge.ShouldRefuse(token, TokenRefusal.BadSignature);
        forge.Keys[Forge.Key.Id] = VerificationKey.FromJwk(Forge.Key.VerificationKey.ToJwk());
        forge.ShouldAccept(token);
    }

    [Fact]
    public void The_cache_is_bounded_and_keeps_what_is_used()
    {
        var forge = new Forge(cacheCapacity: 10);
        var used = forge.Issue("member");
        var first = forge.ShouldAccept(used);
        for (var n = 0; n < 50; n++)
        {
            forge.ShouldAccept(forge.Issue("member"));
            forge.ShouldAccept(used).ShouldBeSameAs(first);
            forge.Verifier.CachedTokens.ShouldBeLessThanOrEqualTo(10);
        }
    }

    [Fact]
    public void What_nobody_uses_leaves_after_two_lifetimes()
    {
        var forge = new Forge();
        forge.ShouldAccept(forge.Issue("member"));
        forge.ShouldAccept(forge.Issue("member"));
        forge.Clock.Now += Forge.Options.Lifetime;
        forge.ShouldAccept(forge.Issue("member"));
        forge.Clock.Now += Forge.Options.Lifetime;
        forge.ShouldAccept(forge.Issue("member"));
        forge.Verifier.CachedTokens.ShouldBe(2);
    }

    [Fact]
    public void Many_threads_share_a_verifier_and_its_bound()
    {
        var forge = new Forge();
        string[] tokens = [.. Enumerable.Range(0, 40).Select(_ => forge.Issue("member"))];
        var revoked = Guid.CreateVersion7();
        var verifier = new TestVerifier(
            new AccessTokenVerifier(Forge.Options, forge.Clock, _ => Forge.Key.VerificationKey, revoked.Equals, 16));
        var refused = 0;
        var overfull = 0;
        Parallel.For(
            0,
            4_000,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            n =>
            {
                if (!verifier.Verify(tokens[n * 7 % tokens.Length]).IsValid)
                {
                    Interlocked.Increment(ref refused);
                }

                if (verifier.CachedTokens > 16)
                {
                    Interlocked.Increment(ref overfull);
                }
            }
        );
        refused.ShouldBe(0);
        overfull.ShouldBe(0);
    }
}
