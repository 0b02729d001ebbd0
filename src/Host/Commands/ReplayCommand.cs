using System.CommandLine;
using System.Diagnostics;
using Boon.Platform;
using Boon.Platform.Replay;

namespace Boon.Host.Commands;

/// <summary><c>boon replay MODULE</c>: rebuilds what a module derives from recorded events, while others serve.</summary>
internal static class ReplayCommand
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(1);

    internal static Command Create()
    {
        var module = new Argument<string>("module")
            { Description = "The module whose state is rebuilt: quests (progress and completions) or orders (the known users)." };
        var check = new Option<bool>("--check")
            { Description = "Only compare: change nothing, and end with status 1 if the live state differs." };
        var data = Cli.DataOption();
        var command = new Command("replay", "Rebuilds a module's state from recorded events, compares it with the live state by checksum, "
            + "and corrects what differs. Boon can serve meanwhile.") { module, check, data };
        command.SetAction((result, ct) =>
            RunAsync(result.GetValue(module)!, new ReplayOptions(result.GetValue(check)),
            new HostOptions(result.GetValue(data), Quiet: true, MustExist: true), ct));
        return command;
    }

    private static async Task<int> RunAsync(string module, ReplayOptions options, HostOptions host, CancellationToken ct)
    {
        await using var boon = await BoonHost.BuildAsync(host, ct);
        var replays = boon.App.Services.GetServices<ModuleReplay>().ToList();
        var replay = replays.Find(one => one.Module == module)
            ?? throw new SetupException(
                $"'{module}' has no replay; these have one: {string.Join(", ", replays.Select(one => one.Module))}.");
        var report = await replay.Run(options, new Progress(), ct);
        Console.WriteLine($"{module}: {report.Events:N0} events read and folded in {report.Folded.TotalSeconds:0.0} s "
            + $"({report.Events / report.Folded.TotalSeconds:N0} a second), all done in {report.Took.TotalSeconds:0.0} s.");
        Print(report.Parts);
        if (report.Equal)
            Console.WriteLine("The live state equals the events.");
        else if (options.CheckOnly)
            await Console.Error.WriteLineAsync($"The live state differs from the events. To correct it, run: boon replay {module}");
        else
        {
            Console.WriteLine($"The live state differed from the events; {report.Mended:N0} rows were corrected. Now:");
            Print(report.Proof!);
        }
        return report.Equal || report.Proof?.All(part => part.Equal) == true ? 0 : 1;
    }

    private static void Print(IReadOnlyList<ReplayPart> parts)
    {
        foreach (var part in parts)
            Console.WriteLine($"  {part.Name,-12} rebuilt {part.Rows,12:N0} rows, checksum {part.Checksum}\n  {"",-12} live    "
                + $"{part.LiveRows,12:N0} rows, checksum {part.LiveChecksum}  {(part.Equal ? "equal" : "DIFFERENT")}");
    }

    /// <summary>A line each second, on standard error.</summary>
    private sealed class Progress : IProgress<long>
    {
        private long last = Stopwatch.GetTimestamp();

        public void Report(long value)
        {
            if (Stopwatch.GetElapsedTime(last) < BetweenReports)
                return;
            last = Stopwatch.GetTimestamp();
            Console.Error.WriteLine($"{value:N0} events folded...");
        }
    }
}
