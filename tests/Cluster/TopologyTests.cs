using System.Diagnostics;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// Scenarios that know nothing but an address, run again where that is the gateway's: before three processes of all modules, and before a
/// process and a database for each module.
/// </summary>
public sealed class TopologyTests
{
    /// <summary>What goes through all modules.</summary>
    private static readonly string[] Chosen = ["--filter-class", "*.OrderTests", "--filter-class", "*.RedemptionTests"];

    [Theory]
    [InlineData("replicas")]
    [InlineData("services")]
    public Task Chosen_scenarios_hold_in_another_topology(string topology) => RunAsync(topology, Chosen);

    private static async Task RunAsync(string topology, string[] filter)
    {
        var tests = Path.Combine(Checkout.Root, "tests", "Scenarios", "bin",
            new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, new DirectoryInfo(AppContext.BaseDirectory).Name,
            "Boon.Scenarios.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath!, [tests, "--progress", "off", "--ansi", "off", .. filter])
            { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["BOON_TEST_TOPOLOGY"] = topology;
        using var run = Process.Start(start)!;
        var errors = run.StandardError.ReadToEndAsync();
        var output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        run.ExitCode.ShouldBe(0, $"{output}\n{await errors}");
        output.ShouldContain("succeeded: ");
    }
}
