namespace Boon.Architecture;

/// <summary>The code that CONTRIBUTING.md shows is code that there is.</summary>
public sealed class ContributingTests
{
    [Fact]
    public void The_example_of_an_endpoint_is_in_the_files_that_it_names()
    {
        var page = File.ReadAllLines(Path.Combine(Support.Checkout.Root, "CONTRIBUTING.md"));
        var lines = page.SkipWhile(line => line != "```diff").Skip(1).TakeWhile(line => line != "```").ToList();
        lines.Count.ShouldBeGreaterThan(20);
        string[] file = [];
        foreach (var line in lines)
            if (line.StartsWith("+++ ", StringComparison.Ordinal))
                file = File.ReadAllLines(Path.Combine(Support.Checkout.Root, line[4..]));
            else
                file.ShouldContain(line[1..]);
    }
}
