using System.Text.RegularExpressions;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What the guide says of a host is what a host is.</summary>
public sealed partial class GuideTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    /// <summary>docs/guide/events.md has a row for each subscription, with its module and what it reads.</summary>
    [Fact]
    public async Task The_guide_lists_every_subscription_with_what_it_reads()
    {
        var readers = LanesSource.Matches((await shared.Boon.Api.Get("/metrics")).Text)
            .GroupBy(match => match.Groups["subscription"].Value, match => match.Groups["source"].Value)
            .Select(reader => $"{reader.Key} of {reader.Key.Split('.')[0]} reads "
                + $"{string.Join(", ", reader.Distinct().Order(StringComparer.Ordinal))}").ToList();
        readers.Count.ShouldBeGreaterThan(5);
        File.ReadLines(Path.Combine(Checkout.Root, "docs/guide/events.md")).Select(line => RowOfSubscription.Match(line))
            .Where(match => match.Success)
            .Select(match => (Name: match.Groups["subscription"].Value, Module: match.Groups["module"].Value,
                Sources: match.Groups["sources"].Value.ToLowerInvariant().Split(", ").Order(StringComparer.Ordinal)))
            .Select(row => $"{row.Name} of {row.Module.ToLowerInvariant()} reads {string.Join(", ", row.Sources)}")
            .ShouldBe(readers, ignoreOrder: true);
    }

    [GeneratedRegex(
        "boon_subscription_lag_events\\{lane=\"[0-9]+\",source=\"(?<source>[a-z]+)\",subscription=\"(?<subscription>[a-z.-]+)\"")]
    private static partial Regex LanesSource { get; }

    [GeneratedRegex("^\\| `(?<subscription>[a-z]+\\.[a-z-]+)` \\| (?<module>[A-Z][a-z]+) \\| (?<sources>[A-Za-z, ]+) \\|")]
    private static partial Regex RowOfSubscription { get; }
}
