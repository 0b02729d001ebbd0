using Boon.Support;

namespace Boon.Bench;

/// <summary>
/// The first claims after 1,000,000 coupons before them have expired in one instant, beside as many claims of a fresh pool: what a claim
/// waits, and how long until the expired ones are purged in the background.
/// </summary>
internal static class PurgeBench
{
    private const int Expired = 1_000_000;
    private const int Claims = 2_000;
    private const int Connections = 16;
    private const int WarmUps = 3;
    private const int Runs = 3;
    private const double Most = 2;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        var mint = await TokenMint.CreateAsync(source, ct);
        for (var warmUp = 0; warmUp < WarmUps; warmUp++)
            await BurstAsync(await ClaimsBench.PoolAsync(source, Claims, 0, ct));

        List<double> before = [], after = [], first = [], firstBefore = [], purges = [];
        for (var run = 0; run < Runs; run++)
        {
            Console.WriteLine($"Run {run + 1} of {Runs}: filling a pool of {Expired:N0} expired coupons...");
            var type = await ClaimsBench.PoolAsync(source, Expired, 0, ct);
            await ClaimsBench.ExecuteAsync(source, $"update promotions.codes set expires_at = now() where type = '{type}'", ct);
            await ClaimsBench.ExecuteAsync(source, "checkpoint; vacuum promotions.codes", ct);
            await ClaimsBench.AddAsync(source, type, Claims, ct);
            var fresh = await BurstAsync(await ClaimsBench.PoolAsync(source, Claims, 0, ct));
            var started = Stopwatch.GetTimestamp();
            var passed = await BurstAsync(type);
            before.Add(Figures.Percentile(fresh.Latencies, 0.99));
            after.Add(Figures.Percentile(passed.Latencies, 0.99));
            firstBefore.Add(fresh.Latencies.Max());
            first.Add(passed.Latencies.Max());
            while (await LeftAsync(source, type, ct))
                await Task.Delay(BetweenLooks, ct);
            purges.Add(Expired / Stopwatch.GetElapsedTime(started).TotalSeconds);
            Console.WriteLine($"p99 {after[^1]:0.0} ms beside {before[^1]:0.0} ms, slowest {first[^1]:0.0} beside {firstBefore[^1]:0.0} "
                + $"ms, {purges[^1]:N0} purged a second.");
        }
        var (p99, worst) = (Figures.Ratio(after, before), Figures.Ratio(first, firstBefore));
        return new Figures($"purge: {Claims:N0} claims at {Connections} connections after {Expired:N0} expired coupons, medians of {Runs} "
            + $"runs; the limit is as many claims of a fresh pool")
            .Add("p99 of the first claims", Figures.Milliseconds(Figures.Median(after)), Figures.Milliseconds(Figures.Median(before)), p99,
                $"<= {Most:0}", p99 <= Most)
            .Add("the slowest of them", Figures.Milliseconds(Figures.Median(first)), Figures.Milliseconds(Figures.Median(firstBefore)),
                worst)
            .Add("expired coupons purged in the background", Figures.Rate(Figures.Median(purges)));

        async Task<Burst> BurstAsync(string type)
        {
            var requests = mint.Tokens(Claims).Select(token => LoadGenerator.Post("/v1/claims", token, $$"""{"type":"{{type}}"}"""))
                .ToList();
            var burst = await LoadGenerator.RunAsync(host.Url, requests, Connections, ct);
            return burst.Statuses.GetValueOrDefault(201) == Claims
                ? burst
                : throw new InvalidOperationException($"Not every claim was granted: {string.Join(", ", burst.Statuses)}");
        }
    }

    private static async Task<bool> LeftAsync(NpgsqlDataSource source, string type, CancellationToken ct)
    {
        await using var command = source.CreateCommand("select exists (select from promotions.coupon_gaps where type = $1)");
        command.Parameters.Add(new() { Value = type });
        return await command.ExecuteScalarAsync(ct) is true;
    }
}
