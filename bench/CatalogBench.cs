using System.Net.Http.Headers;
using Boon.Host.Demo;

namespace Boon.Bench;

/// <summary>
/// Reads of the whole quest catalog over HTTP, fresh and with an ETag that still holds, in turn with an endpoint of the same host that does
/// nothing.
/// </summary>
internal static class CatalogBench
{
    private const int Quests = 10;
    private const int Requests = 100_000;
    private const int Connections = 64;
    private const int Runs = 5;
    private const double Least = 0.9;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        using (var client = new DemoClient(host.Url, 1))
        {
            var token = await Accounts.SignInAsync(client, "operator", HostProcess.OperatorPassword, ct);
            var reward = await client.SendAsync(
                HttpMethod.Post, "/v1/rewards", new { name = "Ten diamonds", item = "diamond", quantity = 10 }, token, ct);
            for (var i = 0; i < Quests; i++)
                await client.SendAsync(
                    HttpMethod.Post, "/v1/quests", new
                    { name = $"Sign in {i + 1} times", rewardId = reward.Body.GetProperty("id").GetGuid(),
                    trigger = "identity.user-signed-in", streak = i + 1, duplication = 2 }, token, ct);
        }
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        using var answer = await http.GetAsync(new Uri("/v1/quests", UriKind.Relative), ct);
        var size = (await answer.Content.ReadAsByteArrayAsync(ct)).Length;
        EntityTagHeaderValue tag = answer.Headers.ETag!;

        List<double> empty = [], whole = [], known = [];
        for (var run = -1; run < Runs; run++)
        {
            var none = await BurstAsync(LoadGenerator.Get("/health/live"), 200);
            var all = await BurstAsync(LoadGenerator.Get("/v1/quests"), 200);
            var same = await BurstAsync(LoadGenerator.Get("/v1/quests", $"If-None-Match: {tag}"), 304);
            Console.WriteLine(run < 0
                ? "Warmed up." : $"Run {run + 1} of {Runs}: nothing {none:N0}, catalog {all:N0}, 304 {same:N0} a second.");
            if (run < 0)
                continue;
            empty.Add(none);
            whole.Add(all);
            known.Add(same);
        }
        var (ratio, knownRatio) = (Figures.Ratio(whole, empty), Figures.Ratio(known, empty));
        return new Figures($"catalog: {Requests:N0} reads at {Connections} connections, medians of {Runs} runs, interleaved; the limit is "
            + $"/health/live of the same host")
            .Add($"GET /v1/quests: {Quests} quests, {size:N0} bytes", Figures.Rate(Figures.Median(whole)),
                Figures.Rate(Figures.Median(empty)), ratio, $">= {Least:0.0}", ratio >= Least)
            .Add("GET /v1/quests with If-None-Match: 304", Figures.Rate(Figures.Median(known)), Figures.Rate(Figures.Median(empty)),
                knownRatio, $">= {Least:0.0}", knownRatio >= Least);

        async Task<double> BurstAsync(byte[] request, int status)
        {
            var burst = await LoadGenerator.RunAsync(host.Url, Enumerable.Repeat(request, Requests).ToArray(), Connections, ct);
            return burst.Statuses.GetValueOrDefault(status) == Requests
                ? burst.PerSecond : throw new InvalidOperationException(
                    $"Not every answer was {status}: {string.Join(", ", burst.Statuses)}");
        }
    }
}
