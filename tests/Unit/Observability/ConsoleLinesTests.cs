using Boon.Platform.Observability;
using Serilog.Events;
using Serilog.Parsing;

namespace Boon.Unit.Observability;

public sealed class ConsoleLinesTests
{
    [Fact]
    public void What_comes_in_from_outside_neither_forges_a_line_nor_talks_to_a_terminal()
    {
        using var output = new StringWriter();
        var log = new LogEvent(
            new DateTimeOffset(2026, 1, 1, 9, 0, 0, TimeSpan.Zero), LogEventLevel.Error, new InvalidOperationException(
                "bad \u001B[31m\nvalue"),
            new MessageTemplateParser().Parse("{Path} failed"),
            [new LogEventProperty("Path", new ScalarValue("/a\u001B]0;x\u0007\n09:00:00 INF forged\u2028é"))]);
        new ConsoleLines().Format(log, output);
        var lines = output.ToString().Split(output.NewLine);
        lines[0].ShouldBe("09:00:00 ERR /a\\u001B]0;x\\u0007\\u000A09:00:00 INF forged\\u2028é failed");
        lines[1].ShouldBe("System.InvalidOperationException: bad \\u001B[31m");
        lines[2].ShouldBe("value");
        output.ToString().ShouldNotContain("\u001B");
    }

    [Theory]
    [InlineData("a\nb\tc", true, "a\nb\tc")]
    [InlineData("a\nb\tc", false, "a\\u000Ab\\u0009c")]
    [InlineData("plain é 😀", false, "plain é 😀")]
    [InlineData("\u009B", true, "\\u009B")]
    public void Control_characters_are_shown_as_their_codes(string text, bool lines, string shown) =>
        ConsoleLines.Escape(text, lines).ShouldBe(shown);
}
