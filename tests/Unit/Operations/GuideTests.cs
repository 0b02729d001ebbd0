using System.Reflection;
using System.Text.RegularExpressions;
using Boon.Contracts;

namespace Boon.Unit.Operations;

/// <summary>The tables of the guide say what the code says. (Settings, calls and codes of errors have tests of their own.)</summary>
public sealed partial class GuideTests
{
    [Fact]
    public void The_catalogue_lists_every_event_with_its_members()
    {
        var rows = Rows("docs/guide/events.md", "## Catalogue").Select(row => (Name: row[0].Trim('`'), Members: MembersIn(row[2])))
            .Where(row => row.Name != "external.*").ToList();
        rows.Select(row => $"{row.Name}: {string.Join(", ", row.Members)}")
            .ShouldBe(EventCatalog.Types.Select(entry => $"{entry.Key}: {string.Join(", ", MembersOf(entry.Value))}"), ignoreOrder: true);
    }

    [Fact]
    public void The_table_of_metrics_lists_every_metric()
    {
        var source = Directory.EnumerateFiles(Path.Combine(Support.Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Instrument.Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["name"].Value + (match.Groups["kind"].Value == "Counter" ? "_total" : "")).ToList();
        source.Count.ShouldBeGreaterThan(10);
        Rows("docs/guide/operations.md", "## Metrics").Select(row => row[0].Trim('`')).ShouldBe(source, ignoreOrder: true);
    }

    /// <summary>The cells of each row of the first table after a heading.</summary>
    internal static List<string[]> Rows(string page, string heading) =>
        [.. File.ReadLines(Path.Combine(Support.Checkout.Root, page)).SkipWhile(line => line != heading)
            .SkipWhile(line => !line.StartsWith('|')).Skip(2)
            .TakeWhile(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray())];

    /// <summary>The members that a cell names, without what it says of each: in brackets, or after a colon.</summary>
    private static IEnumerable<string> MembersIn(string cell) =>
        Member.Matches(Brackets.Replace(Link.Replace(cell, ""), "").Split(':')[0])
            .Select(match => match.Groups["name"].Value + match.Groups["personal"].Value);

    private static IEnumerable<string> MembersOf(Type type)
    {
        var json = EventJson.Default.GetTypeInfo(type)!;
        return json.Properties.Select(property => property.Name
            + (((PropertyInfo)property.AttributeProvider!).GetCustomAttribute<PersonalAttribute>() is null ? "" : "*"));
    }

    [GeneratedRegex("`(?<name>[A-Za-z]+)`(?<personal>\\*?)")]
    private static partial Regex Member { get; }

    [GeneratedRegex("\\]\\([^)]*\\)")]
    private static partial Regex Link { get; }

    [GeneratedRegex("\\([^)]*\\)")]
    private static partial Regex Brackets { get; }

    [GeneratedRegex("Create(Observable)?(?<kind>Counter|Gauge|Histogram|UpDownCounter)(<[a-z]+>)?\\(\\s*\"(?<name>boon_[a-z_]+)\"",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Instrument { get; }
}
