using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using Boon.Host;

namespace Boon.Unit.Operations;

/// <summary>What the pages say of commands is what the command line takes.</summary>
public sealed partial class CommandTableTests : IDisposable
{
    private readonly Signals signals = new();
    private readonly Command root;

    public CommandTableTests() => root = Cli.CreateRoot(signals);

    public void Dispose() => signals.Dispose();

    [Fact]
    public void The_guide_lists_every_command_with_its_arguments_and_options()
    {
        var rows = GuideTests.Rows("docs/guide/getting-started.md", "## The command line").Select(row => row[0].Trim('`'))
            .Where(row => !IsVariation(row)).Select(UsageInGuide);
        rows.Order(StringComparer.Ordinal).ShouldBe(Leaves(root, "boon").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_command_that_a_page_names_is_there_with_the_options_that_it_names()
    {
        var named = Pages().SelectMany(page => Mention().Matches(File.ReadAllText(page))
            .Select(match => (Page: page, Text: match.Groups["command"].Value))).ToList();
        named.Count.ShouldBeGreaterThan(40);
        named.Where(mention => Unknown(mention.Text) is not null)
            .Select(mention => $"{mention.Page}: `boon {mention.Text}` has no {Unknown(mention.Text)}").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("serve --modules a,b", null)]
    [InlineData("log accept-epoch identity --from 7   # a comment --x", null)]
    [InlineData("serve --module a", "--module")]
    [InlineData("log accept identity", "accept")]
    [InlineData("serf", "serf")]
    [InlineData("bench claims", null)]
    [InlineData("bench claim", "claim")]
    public void What_is_not_there_is_found(string text, string? unknown) => Unknown(text).ShouldBe(unknown);

    /// <summary>A row for one value of an option, which stands outside brackets.</summary>
    private static bool IsVariation(string row) =>
        Regex.IsMatch(row, @" --[a-z]+ [a-z]", RegexOptions.ExplicitCapture) && !row.Contains("[--modules a,b]", StringComparison.Ordinal);

    /// <summary>The commands that do something, each as <c>boon log accept-epoch A [--data V] [--from V]</c>.</summary>
    private static IEnumerable<string> Leaves(Command command, string path) => command.Subcommands.Count > 0
        ? command.Subcommands.SelectMany(inner => Leaves(inner, $"{path} {inner.Name}"))
        : [string.Join(' ', [
            path,
            .. command.Arguments.Select(argument =>
                Argument(optional: argument.Arity.MinimumNumberOfValues == 0, many: argument.Arity.MaximumNumberOfValues > 1)),
            .. command.Options.Where(option => option is not HelpOption)
                .Select(option => Option(option.Name, takesValue: !IsFlag(option))).Order(StringComparer.Ordinal),
        ])];

    private static bool IsFlag(Option option) => option.ValueType == typeof(bool);

    private static string UsageInGuide(string row)
    {
        var parts = Part().Matches(row).Select(match => match.Value).ToList();
        var path = parts.TakeWhile(part => char.IsAsciiLetterLower(part[0])).ToList();
        var options = parts.Where(part => part.StartsWith("[--", StringComparison.Ordinal)).ToList();
        return string.Join(' ', [
            .. path,
            .. parts.Except(path).Except(options)
                .Select(part => Argument(optional: part[0] == '[', many: part.Contains("...", StringComparison.Ordinal))),
            .. options.Select(part => part.Trim('[', ']').Split(' '))
                .Select(words => Option(words[0], takesValue: words.Length > 1)).Order(StringComparer.Ordinal),
        ]);
    }

    private static string Argument(bool optional, bool many) => $"{(optional ? "[A]" : "A")}{(many ? "..." : "")}";

    private static string Option(string name, bool takesValue) => takesValue ? $"[{name} V]" : $"[{name}]";

    /// <summary>The first word of a command that the command line does not know; null if it knows all.</summary>
    private string? Unknown(string text)
    {
        var words = text.Split('#')[0].Split([' ', '[', ']', '|'], StringSplitOptions.RemoveEmptyEntries);
        if (words is ["bench", ..])
            return words.Skip(1).FirstOrDefault(word => char.IsAsciiLetterLower(word[0])
                && !Benches.Contains($"\"{word}\"", StringComparison.Ordinal));
        if (words is ["publish", ..])
            return null; // the launcher's own
        var command = root;
        foreach (var word in words)
            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                if (word != "--help" && !command.Options.Any(option => option.Name == word))
                    return word;
            }
            else if (command.Subcommands.SingleOrDefault(inner => inner.Name == word) is { } found)
                command = found;
            else if (command.Subcommands.Count > 0)
                return word;
        return null;
    }

    private static string Benches { get; } = File.ReadAllText(Path.Combine(Support.Checkout.Root, "bench", "Program.cs"));

    private static IEnumerable<string> Pages() => Directory.GetFiles(Support.Checkout.Root, "*.md")
        .Where(page => Path.GetFileName(page) != "CHANGELOG.md")
        .Concat(Directory.GetFiles(Path.Combine(Support.Checkout.Root, "docs", "guide"), "*.md"));

    /// <summary>A command in code: at the beginning of a line of a block, or in a line of text.</summary>
    [GeneratedRegex(@"(^(\./)?|`(\./)?)boon (?<command>[a-z][^`\n]*)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Mention();

    [GeneratedRegex(@"\[[^\]]*\]|\S+", RegexOptions.ExplicitCapture)]
    private static partial Regex Part();
}
