using System.Diagnostics;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>How a process is run.</summary>
/// <param name="Command">The program and its arguments.</param>
/// <param name="Settings">Its settings, as environment; what the caller has under these prefixes does not count.</param>
/// <param name="Stamp">What it stands for: another one means that a process of it must be replaced.</param>
internal sealed record ProcessPlan(
    IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Settings, string Stamp);

/// <summary>One process of a cluster, which lives on when the command that started it has ended.</summary>
internal sealed class ClusterProcess(ClusterFolder folder, string name)
{
    /// <summary>After a drain, and the requests in flight, nothing is waited for.</summary>
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private const int LastLines = 12;

    private readonly string home = folder.Home(name);

    internal string Name => name;

    internal string Output => Path.Combine(home, "output.log");

    private string PidFile => Path.Combine(home, "pid");

    private string StampFile => Path.Combine(home, "stamp");

    /// <summary>The process, if it runs.</summary>
    internal ProcessIdentity? Running() => ProcessIdentity.Read(PidFile) is { IsAlive: true } process ? process : null;

    /// <summary>True when it runs and is what the plan says.</summary>
    internal bool Is(ProcessPlan plan) => File.Exists(StampFile) && File.ReadAllText(StampFile) == plan.Stamp;

    /// <summary>Starts it. It is written down before it becomes Boon, so that it is found also if this command is killed now.</summary>
    internal async Task StartAsync(ProcessPlan plan, CancellationToken ct)
    {
        folder.MakeHome(name);
        File.Delete(PidFile);
        ClusterFolder.Write(StampFile, plan.Stamp);
        var start = new ProcessStartInfo("/bin/sh", ["-c", ProcessIdentity.StartScript, "sh", PidFile, Output, .. plan.Command])
            { WorkingDirectory = home, UseShellExecute = false };
        foreach (var key in start.Environment.Keys.Where(IsOurs).ToList())
            start.Environment.Remove(key);
        foreach (var (key, value) in plan.Settings)
            start.Environment[key] = value;
        var process = Process.Start(start)!;
        while (!File.Exists(PidFile))
        {
            if (process.HasExited)
                throw new SetupException($"{name} could not be started (status {process.ExitCode}); see {Output}.");
            await Task.Delay(Poll, ct);
        }
    }

    /// <summary>What the caller's environment says of these is passed on as the plan has it, or not at all.</summary>
    private static bool IsOurs(string key) =>
        ((string[])["Boon__", "ConnectionStrings__", "Kestrel__", "ASPNETCORE_URLS"]).Any(prefix =>
            key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Stops it if it runs: in good order, and in the end by force.</summary>
    internal async Task StopAsync()
    {
        if (Running() is { } process)
        {
            process.Terminate();
            var began = TimeProvider.System.GetTimestamp();
            while (process.IsAlive)
            {
                if (TimeProvider.System.GetElapsedTime(began) > LongestStop)
                    process.Kill();
                await Task.Delay(Poll);
            }
        }
        File.Delete(PidFile);
    }

    /// <summary>The end of what it said.</summary>
    internal string LastWords() =>
        File.Exists(Output) ? string.Join('\n', File.ReadLines(Output).TakeLast(LastLines).Select(line => "  " + line)) : "  (nothing)";
}
