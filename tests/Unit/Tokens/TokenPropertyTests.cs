using Boon.Platform.Access.Tokens;
using FsCheck;
using FsCheck.Fluent;

namespace Boon.Unit.Tokens;

public class TokenPropertyTests
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    [Fact]
    public void Whatever_is_issued_is_verified_to_the_same_claims()
    {
        var forge = new Forge();
        var claims =
            from subject in ArbMap.Default.GeneratorFor<Guid>()
            from session in ArbMap.Default.GeneratorFor<Guid>()
            from id in ArbMap.Default.GeneratorFor<Guid>()
            from age in Gen.Choose(-30, 1_000_000)
            from left in Gen.Choose(1, 1_000_000)
            from roles in ArbMap.Default.GeneratorFor<string>().Where(r => r is not null).ArrayOf()
            select new AccessToken(
                subject,
                session,
                [.. roles.Select(Wellformed)],
                id,
                forge.Clock.Now.AddSeconds(-age),
                forge.Clock.Now.AddSeconds(left)
            );

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(200),
            Prop.ForAll(
                claims.ToArbitrary(),
                issued =>
                {
                    var text = AccessTokenIssuer.Issue(Forge.Key, issued, Forge.Options);
                    var verified = forge.Verifier.Verify(text).Token;
                    return verified is not null
                        && verified.Roles.SequenceEqual(issued.Roles)
                        && verified == issued with { Roles = verified.Roles };
                }
            )
        );
    }

    [Fact]
    public void A_valid_token_with_one_character_changed_is_never_verified()
    {
        var forge = new Forge();
        var token = forge.Issue("member", "operator");
        forge.ShouldAccept(token);
        var changes =
            from position in Gen.Choose(0, token.Length - 1)
            from character in Gen.Frequency(
                (9, Gen.Elements(Alphabet.ToCharArray())),
                (1, ArbMap.Default.GeneratorFor<char>()),
                (1, Gen.Elements('.', '=', ' ', '+', '/', '\0', '\n', '%', 'А', 'ａ'))
            )
            where token[position] != character
            select (position, character);

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(4_000),
            Prop.ForAll(changes.ToArbitrary(), change => !forge.Verifier.Verify(Changed(token, change)).IsValid)
        );
    }

    [Fact]
    public void Nor_with_any_other_last_character_of_a_segment()
    {
        var forge = new Forge();
        var token = forge.Issue("member");
        int[] lasts = [token.IndexOf('.') - 1, token.LastIndexOf('.') - 1, token.Length - 1];
        var changed = lasts.SelectMany(at => Alphabet.Where(c => c != token[at]).Select(c => Changed(token, (at, c)))).ToArray();
        changed.Length.ShouldBe(3 * 63);
        changed.ShouldAllBe(text => !forge.Verifier.Verify(text).IsValid);
    }

    [Fact]
    public void A_valid_token_with_characters_put_in_or_taken_out_is_never_verified()
    {
        var forge = new Forge();
        var token = forge.Issue("member");
        var edits =
            from position in Gen.Choose(0, token.Length - 1)
            from taken in Gen.Choose(0, 3)
            from put in Gen.Elements((Alphabet + ".= \0").ToCharArray()).ArrayOf()
            let end = Math.Min(token.Length, position + taken)
            let edited = string.Concat(token.AsSpan(0, position), put, token.AsSpan(end))
            where edited != token
            select edited;

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2_000),
            Prop.ForAll(edits.ToArbitrary(), edited => !forge.Verifier.Verify(edited).IsValid)
        );
    }

    [Fact]
    public void No_text_at_all_makes_the_verifier_throw()
    {
        var forge = new Forge();
        var segment = Gen.OneOf(
            ArbMap.Default.GeneratorFor<string>().Select(s => s ?? ""),
            ArbMap.Default.GeneratorFor<byte[]>().Select(b => System.Buffers.Text.Base64Url.EncodeToString(b)),
            Gen.Elements("", ".", "{}", Forge.Encode(Forge.Header), Forge.Encode(forge.Payload()), Forge.Encode("{\"\\ud800\":1}"))
        );
        var texts = from segments in segment.ArrayOf() select string.Join('.', segments);

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3_000),
            Prop.ForAll(texts.ToArbitrary(), text => !forge.Verifier.Verify(text).IsValid)
        );
    }

    private static string Changed(string token, (int At, char To) change) =>
        string.Concat(token.AsSpan(0, change.At), [change.To], token.AsSpan(change.At + 1));

    /// <summary>JSON cannot hold half a surrogate pair; the writer puts U+FFFD for it.</summary>
    private static string Wellformed(string text) => System.Text.Encoding.UTF8.GetString(Forge.Bytes(text));
}
