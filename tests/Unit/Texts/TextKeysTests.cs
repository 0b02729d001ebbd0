using System.Text;
using Boon.Identity.Accounts;
using Boon.Platform.Input;
using FsCheck;
using FsCheck.Fluent;

namespace Boon.Unit.Texts;

public sealed class TextKeysTests
{
    [Theory]
    [InlineData("straße", "STRASSE")]
    [InlineData("straße", "STRAẞE")]
    [InlineData("İpek", "i\u0307pek")]
    [InlineData("ΣΊΣΥΦΟΣ", "σίσυφος")]
    [InlineData("ﬃx", "FFIX")]
    [InlineData("Ａｄａ", "ada")]
    [InlineData("\u212Aelvin", "kelvin")]
    [InlineData("ﬀ\u00ADa", "ffa")]
    [InlineData("ᾳ", "ΑΙ")]
    [InlineData("e\u0301", "É")]
    [InlineData("\u1E9B\u0323", "\u1E69")]
    public void Texts_with_one_key(string one, string other) => TextKeys.Fold(one).ShouldBe(TextKeys.Fold(other));

    [Theory]
    [InlineData("ı", "i")]
    [InlineData("ada", "adá")]
    [InlineData("а", "a")] // Cyrillic
    public void Texts_with_two_keys(string one, string other) => TextKeys.Fold(one).ShouldNotBe(TextKeys.Fold(other));

    [Fact]
    public void Folding_is_done_once_and_for_every_way_to_compose_a_text() =>
        Prop.ForAll(Gen.Choose(0, 0x1FFFF)
            .Where(code => Rune.IsValid(code) && code % 0x10000 < 0xFFFE && code is not (>= 0xFDD0 and <= 0xFDEF)).ListOf(6).ToArbitrary(),
            codes =>
        {
            var text = string.Concat(codes.Select(char.ConvertFromUtf32));
            var key = TextKeys.Fold(text);
            return TextKeys.Fold(key) == key && TextKeys.Fold(text.Normalize(NormalizationForm.FormD)) == key
                && key.IsNormalized(NormalizationForm.FormKC)
                && TextKeys.Fold(text.ToUpperInvariant()) is var upper && (upper == key || text.Any(c => c > 127));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.Example", "xn--bcher-kva.example")]
    [InlineData("bu\u0308cher.example", "xn--bcher-kva.example")]
    [InlineData("bücher\u3002example", "xn--bcher-kva.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example")]
    [InlineData("straße.example", "xn--strae-oqa.example")]
    [InlineData("例え.テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("localhost", null)]
    [InlineData("a..example", null)]
    [InlineData("-a.example", null)]
    [InlineData("a-.example", null)]
    [InlineData("a_b.example", null)]
    [InlineData("a b.example", null)]
    [InlineData("", null)]
    public void Domains_are_named_as_the_dns_asks_for_them(string domain, string? key) => TextKeys.Domain(domain).ShouldBe(key);

    [Theory]
    [InlineData("ada@bücher.example", "ADA@xn--bcher-kva.example")]
    [InlineData("STRASSE@example.com", "straße@Example.com")]
    public void Addresses_with_one_key(string one, string other) => UserRules.EmailKey(one).ShouldBe(UserRules.EmailKey(other));

    [Theory]
    [InlineData("a\u200Bda", TextKind.Key, false)]
    [InlineData("a\u00ADda", TextKind.Key, false)]
    [InlineData("a\u202Eda", TextKind.Person, false)]
    [InlineData("\u3164", TextKind.Key, false)]
    [InlineData("a\U000E0041", TextKind.Key, false)]
    [InlineData("a\u200Dda", TextKind.Name, false)]
    [InlineData("a\u2028b", TextKind.Name, false)]
    [InlineData("a\nb", TextKind.Name, false)]
    [InlineData("a\u001Bb", TextKind.Prose, false)]
    [InlineData("a\nb", TextKind.Prose, true)]
    [InlineData("👩\u200D💻", TextKind.Key, false)]
    [InlineData("👩\u200D💻 ❤\uFE0F 1\uFE0F\u20E3", TextKind.Name, true)]
    [InlineData("👩🏽\u200D💻", TextKind.Person, true)]
    [InlineData("\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", TextKind.Person, true)]
    [InlineData("ශ්\u200Dරී", TextKind.Person, true)]
    [InlineData("می\u200Cخواهم", TextKind.Person, true)]
    [InlineData("می\u200Cخواهم", TextKind.Key, false)]
    [InlineData("ada lovelace", TextKind.Key, true)]
    public void Invisible_characters_have_no_place_except_in_emoji_and_names_of_people(string text, TextKind kind, bool good) =>
        (TextRules.Fault(text, kind) is null).ShouldBe(good);

    [Fact]
    public void Lengths_are_code_points() => TextRules.Length("a😀é").ShouldBe(3);
}
