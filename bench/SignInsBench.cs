using System.Runtime.InteropServices;
using Boon.Host.Demo;

namespace Boon.Bench;

/// <summary>Sign-ins a second at 32 connections, in turn with the bare hash on as many threads as there are cores.</summary>
internal static class SignInsBench
{
    private const int Connections = 32;
    private const int Runs = 5;
    private const double AimRatio = 0.9;

    /// <summary>The same as the host's hashing threads, so that what else this machine does slows both alike.</summary>
    private const int NiceLevel = 10;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        await using var source = NpgsqlDataSource.Create(connectionString);
        await Accounts.SeedAsync(source, Connections, ct);
        using var client = new DemoClient(host.Url, Connections);
        List<double> signIns = [], hashes = [];
        for (var run = 0; run < Runs; run++)
        {
            hashes.Add(await HashesAsync(ct));
            signIns.Add(await SignInsAsync(client, ct));
        }
        var ratio = Figures.Ratio(signIns, hashes);
        return new Figures($"sign-ins: medians of {Runs} runs of {Window.TotalSeconds} s, interleaved; the limit is the bare hash on "
            + $"{Environment.ProcessorCount} threads")
            .Add($"sign-ins at {Connections} connections", Figures.Rate(Figures.Median(signIns)), Figures.Rate(Figures.Median(hashes)),
                ratio, $"ratio >= {AimRatio:0.0}", ratio >= AimRatio);
    }

    private static async Task<double> SignInsAsync(DemoClient client, CancellationToken ct)
    {
        var done = 0L;
        var stopped = false;
        var loops = Enumerable.Range(0, Connections).Select(async connection =>
        {
            while (!Volatile.Read(ref stopped))
            {
                await Accounts.SignInAsync(client, Accounts.Name(connection), Accounts.Password, ct);
                Interlocked.Increment(ref done);
            }
        }).ToList();
        await Task.Delay(Warm, ct);
        var (before, started) = (Interlocked.Read(ref done), Stopwatch.GetTimestamp());
        await Task.Delay(Window, ct);
        var rate = (Interlocked.Read(ref done) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        Volatile.Write(ref stopped, true);
        await Task.WhenAll(loops);
        return rate;
    }

    private static async Task<double> HashesAsync(CancellationToken ct)
    {
        var done = 0L;
        var stopped = false;
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            if (OperatingSystem.IsLinux())
                _ = SetPriority(which: 0, who: 0, NiceLevel); // on Linux this is the calling thread's own
            while (!Volatile.Read(ref stopped))
            {
                Accounts.Hasher.VerifyHashedPassword(null!, Accounts.Hash, Accounts.Password);
                Interlocked.Increment(ref done);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        try
        {
            await Task.Delay(Warm, ct);
            var (before, started) = (Interlocked.Read(ref done), Stopwatch.GetTimestamp());
            await Task.Delay(Window, ct);
            return (Interlocked.Read(ref done) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        finally
        {
            Volatile.Write(ref stopped, true);
            threads.ForEach(thread => thread.Join());
        }
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int who, int priority);
}
