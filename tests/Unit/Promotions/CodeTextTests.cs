using Boon.Promotions.Codes;
using Boon.Promotions.Vouchers;

namespace Boon.Unit.Promotions;

public sealed class CodeTextTests
{
    [Fact]
    public void A_generated_code_is_its_own_key_however_it_is_typed()
    {
        for (var i = 0; i < 1_000; i++)
        {
            var code = VoucherCode.New();
            CodeText.Folded(code).ShouldBe(code);
            CodeText.Folded(code.ToLowerInvariant()).ShouldBe(code);
            CodeText.Folded($" {code.Replace('-', ' ')}\n").ShouldBe(code);
            CodeText.Folded(code.Replace("-", "", StringComparison.Ordinal).Replace('L', 'i')).ShouldBe(code);
            CodeText.Folded(code.Replace('-', '\u2013').Replace('L', '1')).ShouldBe(code);
            CodeText.Exact(code + " ").ShouldBe(code);
        }
    }

    [Theory]
    [InlineData("Summer-2026", "SUMMER 2O26")]
    [InlineData("Frühling", "FRU\u0308HL1NG")]
    [InlineData("straße", "STRASSE")]
    [InlineData("ABCD", "\uFF21BCD")]
    public void Codes_that_look_alike_have_one_folded_key(string one, string other)
    {
        CodeText.Folded(one).ShouldBe(CodeText.Folded(other));
        CodeText.Folded(one)![0].ShouldBe(' ', "which no code has that is found as it is written");
        CodeText.Exact(one).ShouldNotBe(CodeText.Exact(other));
    }

    [Theory]
    [InlineData("AAAA-BBBB-CCC0")]
    [InlineData("AAAA-BBBB-CCC")]
    [InlineData("AAAA-BBBB-CCCC-D")]
    public void What_cannot_have_been_generated_is_no_generated_code(string text) => CodeText.Folded(text)![0].ShouldBe(' ');

    [Theory]
    [InlineData("---")]
    [InlineData(" \u2014 ")]
    public void Dashes_alone_are_no_code(string text) => CodeText.Folded(text).ShouldBeNull();
}
