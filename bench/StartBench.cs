namespace Boon.Bench;

/// <summary>Cold start of <c>boon serve</c> on a migrated database, and its memory after five seconds of rest, beside an empty ASP.NET Core host.</summary>
internal static class StartBench
{
    private const int Runs = 5;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        double migrating;
        await using (var first = await HostProcess.ServeAsync(connectionString, ct))
            migrating = first.StartedIn.TotalMilliseconds;
        await using (await HostProcess.EmptyAsync(ct))
        {
            // its files are in the cache from here on
        }

        List<double> start = [], emptyStart = [], memory = [], emptyMemory = [];
        for (var run = 0; run < Runs; run++)
        {
            await using (var empty = await HostProcess.EmptyAsync(ct))
                await MeasureAsync(empty, emptyStart, emptyMemory, ct);
            await using (var boon = await HostProcess.ServeAsync(connectionString, ct))
                await MeasureAsync(boon, start, memory, ct);
        }
        return new Figures($"start: medians of {Runs} runs, interleaved; the limit is an ASP.NET Core host that does nothing")
            .Add("process start to first 200 of /health/ready", Figures.Milliseconds(Figures.Median(start)),
                Figures.Milliseconds(Figures.Median(emptyStart)), Figures.Ratio(start, emptyStart))
            .Add("memory at rest (resident, after 5 s)", $"{Figures.Median(memory):0} MiB", $"{Figures.Median(emptyMemory):0} MiB", Figures.Ratio(memory, emptyMemory))
            .Add("first start of all, with migrations (once)", Figures.Milliseconds(migrating));
    }

    private static async Task MeasureAsync(HostProcess host, List<double> start, List<double> memory, CancellationToken ct)
    {
        start.Add(host.StartedIn.TotalMilliseconds);
        await Task.Delay(Rest, ct);
        memory.Add(host.ResidentMebibytes());
    }
}
