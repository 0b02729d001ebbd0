using Boon.Platform;
using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

/// <summary>Turns a switch of the whole process, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(ClaimChecksTests), DisableParallelization = true)]
[Collection(nameof(ClaimChecksTests))]
public class ClaimChecksTests
{
    [Fact]
    public void Without_the_claim_checks_others_tokens_are_accepted_but_never_unsigned_ones()
    {
        var forge = new Forge();
        string[] others =
        [
            Forge.Sign(Forge.Header, forge.Payload("iss", "\"other\"")),
            Forge.Sign(Forge.Header, forge.Payload("aud", "\"other\"")),
            Forge.Sign(Forge.Header, forge.Payload("exp", $"{forge.Now - 1}")),
            Forge.Sign(Forge.Header.Replace("at+jwt", "JWT"), forge.Payload()),
        ];
        others.ShouldAllBe(token => !forge.Verifier.Verify(token).IsValid);
        Defences.ClaimChecks.On = false;
        try
        {
            others.ShouldAllBe(token => forge.Verifier.Verify(token).IsValid);
            others.ShouldAllBe(token => !forge.Verifier.Verify(WithoutSignature(token)).IsValid);
        }
        finally
        {
            Defences.ClaimChecks.On = true;
        }

        others.ShouldAllBe(token => !new Forge().Verifier.Verify(token).IsValid);
    }

    private static string WithoutSignature(string token) => token[..(token.LastIndexOf('.') + 1)] + new string('A', 342);
}
