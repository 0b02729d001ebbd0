using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

public class StrictBase64UrlTests
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    [Fact]
    public void Each_value_has_one_text()
    {
        // All texts of two and of three characters: as many are taken as there are values of one and of two bytes.
        var two = from a in Alphabet from b in Alphabet select $"{a}{b}";
        two.Select(Decoded).Where(d => d is not null).Distinct().Count().ShouldBe(1 << 8);
        two.Count(t => Decoded(t) is not null).ShouldBe(1 << 8);
        var three = from a in Alphabet from b in Alphabet from c in Alphabet select $"{a}{b}{c}";
        three.Select(Decoded).Where(d => d is not null).Distinct().Count().ShouldBe(1 << 16);
        three.Count(t => Decoded(t) is not null).ShouldBe(1 << 16);
    }

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("AAAAA")]
    [InlineData("AA==")]
    [InlineData("AAA=")]
    [InlineData("AA%%")]
    [InlineData("AAA.")]
    [InlineData("AA+A")]
    [InlineData("AA/A")]
    [InlineData("AA A")]
    [InlineData(" AAAA")]
    [InlineData("AAAA\n")]
    [InlineData("AA\0A")]
    [InlineData("AAAé")]
    public void Anything_else_is_refused(string text) => Decoded(text).ShouldBeNull();

    private static string? Decoded(string text)
    {
        var bytes = new byte[8];
        return StrictBase64Url.TryDecode(Forge.Bytes(text), bytes, out var written) ? Convert.ToHexString(bytes, 0, written) : null;
    }
}
