namespace Boon.Bench;

/// <summary>
/// Cold start of <c>boon serve</c> on a migrated database, and its memory after five seconds of rest: a release build (<c>./boon
/// publish</c>) and the one of the checkout, beside an empty ASP.NET Core host.
/// </summary>
internal static class StartBench
{
    private const int Runs = 5;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var release = BenchServer.TemporaryFolder();
        try
        {
            await PublishAsync(release, ct);
            return await MeasureAsync(connectionString, release, ct);
        }
        finally
        {
            Directory.Delete(release, recursive: true);
        }
    }

    private static async Task<Figures> MeasureAsync(string connectionString, string release, CancellationToken ct)
    {
        double migrating;
        await using (var first = await HostProcess.ServeAsync(connectionString, ct))
            migrating = first.StartedIn.TotalMilliseconds;
        await using (await HostProcess.EmptyAsync(ct))
        {
            // its files are in the cache from here on
        }

        List<double> start = [], emptyStart = [], releaseStart = [], memory = [], emptyMemory = [], releaseMemory = [];
        for (var run = 0; run < Runs; run++)
        {
            await using (var empty = await HostProcess.EmptyAsync(ct))
                await MeasureAsync(empty, emptyStart, emptyMemory, ct);
            await using (var boon = await HostProcess.ServeAsync(connectionString, ct))
                await MeasureAsync(boon, start, memory, ct);
            await using (var boon = await HostProcess.ServeAsync(connectionString, ct, release))
                await MeasureAsync(boon, releaseStart, releaseMemory, ct);
        }
        return new Figures($"start: medians of {Runs} runs, interleaved; the limit is an ASP.NET Core host that does nothing")
            .Add("release build: process start to first 200 of /health/ready", Figures.Milliseconds(Figures.Median(releaseStart)),
                Figures.Milliseconds(Figures.Median(emptyStart)), Figures.Ratio(releaseStart, emptyStart))
            .Add("build of the checkout: the same", Figures.Milliseconds(Figures.Median(start)),
                Figures.Milliseconds(Figures.Median(emptyStart)), Figures.Ratio(start, emptyStart))
            .Add("release build: memory at rest (resident, after 5 s)", Mebibytes(releaseMemory), Mebibytes(emptyMemory),
                Figures.Ratio(releaseMemory, emptyMemory))
            .Add("build of the checkout: the same", Mebibytes(memory), Mebibytes(emptyMemory), Figures.Ratio(memory, emptyMemory))
            .Add("first start of all, with migrations (once)", Figures.Milliseconds(migrating));
    }

    private static async Task MeasureAsync(HostProcess host, List<double> start, List<double> memory, CancellationToken ct)
    {
        start.Add(host.StartedIn.TotalMilliseconds);
        await Task.Delay(Rest, ct);
        memory.Add(host.ResidentMebibytes());
    }

    private static string Mebibytes(List<double> values) => $"{Figures.Median(values):0} MiB";

    private static async Task PublishAsync(string folder, CancellationToken ct)
    {
        var start = new ProcessStartInfo(Path.Combine(Support.Checkout.Root, "boon"), ["publish", folder])
            { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"./boon publish failed:\n{output}");
    }
}
