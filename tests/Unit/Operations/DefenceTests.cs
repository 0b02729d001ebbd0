using System.Text.RegularExpressions;
using Boon.Host;
using Boon.Platform;
using Boon.Support;

namespace Boon.Unit.Operations;

/// <summary>Every defence has a name of its own, a line in CONTRIBUTING.md, and a test that takes it out.</summary>
public sealed partial class DefenceTests
{
    private static readonly List<string> Names = [.. BoonHost.AllDefences.Select(defence => defence.Name)];

    [Fact]
    public void Every_defence_is_on_and_has_a_name_of_its_own()
    {
        Names.Count.ShouldBeGreaterThan(25);
        Names.ShouldBeUnique();
        Names.ShouldContain(nameof(Defences.DenseSequence));
        BoonHost.AllModules.ShouldAllBe(module => module.Defences.Count > 0);
        BoonHost.AllDefences.Where(defence => !defence.On && defence.Name != nameof(Defences.ClaimChecks)).ShouldBeEmpty();
    }

    [Fact]
    public void A_statement_has_its_part_only_with_the_defence()
    {
        var defence = new Defence("Example");
        (defence.Sql("and a"), defence.Sql("a", without: "b")).ShouldBe(("and a", "a"));
        defence.On = false;
        (defence.Sql("and a"), defence.Sql("a", without: "b")).ShouldBe(("", "b"));
    }

    [Fact]
    public void Contributing_lists_every_defence_and_no_other()
    {
        var section = File.ReadAllText(Path.Combine(Checkout.Root, "CONTRIBUTING.md")).Split("\n## ")
            .Single(part => part.StartsWith("Defences\n", StringComparison.Ordinal));
        var rows = section.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(2);
        rows.SelectMany(row => Quoted().Matches(row.Split('|')[2])).Select(match => match.Groups["name"].Value)
            .ShouldBe(Names, ignoreOrder: true);
    }

    [Fact]
    public void Every_defence_is_taken_out_by_a_test()
    {
        var tests = string.Concat(new[] { "Scenarios", "Cluster", "Unit" }
            .SelectMany(part => Directory.GetFiles(Path.Combine(Checkout.Root, "tests", part), "*.cs", SearchOption.AllDirectories))
                .Select(File.ReadAllText));
        Names.Where(name => !Regex.IsMatch(
            tests, $@"Defences\.{name}\b|""{name}""", RegexOptions.None, TimeSpan.FromSeconds(10))).ShouldBeEmpty();
    }

    [GeneratedRegex("`(?<name>[A-Za-z]+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Quoted();
}
