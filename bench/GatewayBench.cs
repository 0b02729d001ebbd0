using Boon.Support;

namespace Boon.Bench;

/// <summary>
/// Requests through the gateway beside the same requests without it, in turn: one at a time for what it adds, and claims at 64 connections
/// for what it costs where all share two cores.
/// </summary>
internal static class GatewayBench
{
    private const int Requests = 2_000;
    private const int Claims = 10_000;
    private const int Connections = 64;
    private const int WarmUps = 4;
    private const int Runs = 5;
    private const double MostAdded = 0.5;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        await using var gateway = await HostProcess.GatewayAsync(host, ct);
        var mint = await TokenMint.CreateAsync(source, ct);
        var wallet = Array.ConvertAll(mint.Tokens(1), token => LoadGenerator.Get("/v1/wallet", $"Authorization: Bearer {token}"))[0];
        var quests = LoadGenerator.Get("/v1/quests");

        List<double> direct = [], through = [], memory = [], memoryThrough = [], claims = [], claimsThrough = [], cpu = [];
        for (var run = -WarmUps; run < Runs; run++)
        {
            var (one, two) = (await OneByOneAsync(host, wallet), await OneByOneAsync(gateway, wallet));
            var (three, four) = (await OneByOneAsync(host, quests), await OneByOneAsync(gateway, quests));
            var tokens = mint.Tokens(Claims);
            var without = await ClaimAsync(host, tokens);
            var before = gateway.Cpu();
            var with = await ClaimAsync(gateway, tokens);
            var used = (gateway.Cpu() - before).TotalMicroseconds / Claims;
            Console.WriteLine($"{(run < 0 ? "Warm-up" : $"Run {run + 1} of {Runs}")}: wallet {one:0.00} and {two:0.00} ms, catalog "
                + $"{three:0.00} and {four:0.00} ms, "
                + $"claims {without:N0} and {with:N0} a second.");
            if (run < 0)
                continue;
            direct.Add(one);
            through.Add(two);
            memory.Add(three);
            memoryThrough.Add(four);
            claims.Add(without);
            claimsThrough.Add(with);
            cpu.Add(used);
        }
        var ratio = Figures.Ratio(claimsThrough, claims);
        return new Figures($"gateway: medians of {Runs} runs, interleaved; the limit is the same without the gateway")
            .Add($"GET /v1/wallet, {Requests:N0} one by one: p50", Precise(Figures.Median(through)), Precise(Figures.Median(direct)))
            .Add("added to it", Precise(Added(through, direct)), "", null, $"< {MostAdded} ms", Added(through, direct) < MostAdded)
            .Add($"GET /v1/quests, {Requests:N0} one by one: p50", Precise(Figures.Median(memoryThrough)), Precise(Figures.Median(memory)))
            .Add("added to it", Precise(Added(memoryThrough, memory)), "", null, $"< {MostAdded} ms",
                Added(memoryThrough, memory) < MostAdded)
            .Add($"claims a second, {Connections} connections", Figures.Rate(Figures.Median(claimsThrough)),
                Figures.Rate(Figures.Median(claims)), ratio)
            .Note($"The gateway uses {Figures.Median(cpu):0} µs of CPU for each claim.");

        async Task<double> OneByOneAsync(HostProcess at, byte[] request)
        {
            var burst = await LoadGenerator.RunAsync(at.Url, Enumerable.Repeat(request, Requests).ToArray(), 1, ct);
            return burst.Statuses.GetValueOrDefault(200) == Requests
                ? Figures.Median(burst.Latencies) : throw new InvalidOperationException(
                    $"Not every answer was 200: {string.Join(", ", burst.Statuses)}");
        }

        async Task<double> ClaimAsync(HostProcess at, string[] tokens)
        {
            var type = await ClaimsBench.PoolAsync(source, Claims, 0, ct);
            var requests = tokens.Select(token => LoadGenerator.Post("/v1/claims", token, $$"""{"type":"{{type}}"}""")).ToList();
            var burst = await LoadGenerator.RunAsync(at.Url, requests, Connections, ct);
            return burst.Statuses.GetValueOrDefault(201) == Claims
                ? burst.PerSecond : throw new InvalidOperationException(
                    $"Not every claim was granted: {string.Join(", ", burst.Statuses)}");
        }
    }

    /// <summary>The median of the differences within each run.</summary>
    private static double Added(List<double> with, List<double> without) => Figures.Median(with.Zip(without, (one, other) => one - other));

    private static string Precise(double milliseconds) => $"{milliseconds:0.00} ms";
}
