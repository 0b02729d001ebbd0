using System.Text;
using Boon.Support;

namespace Boon.Bench;

/// <summary>
/// Orders with a code through HTTP at 16 connections: each is placed, and then asked for with <c>Prefer: wait</c> until it is confirmed,
/// which is after Promotions has redeemed the code and Orders has learnt it, both through the log. In turn with orders that have no code,
/// which are placed and asked for alike.
/// </summary>
internal static class OrdersBench
{
    private const int Orders = 4_000;
    private const int Connections = 16;
    private const int WarmUps = 3;
    private const int Runs = 5;
    private const double MostCpuMilliseconds = 4;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        var members = (await TokenMint.CreateAsync(source, ct)).Tokens(Connections);
        var codes = await CodesAsync(source, host, members, ct);

        List<double> with = [], without = [], p50 = [], p99 = [], boon = [], postgres = [], total = [];
        for (var run = -WarmUps; run < Runs; run++)
        {
            var plain = await BurstAsync(null);
            var (cpu, pg) = (host.Cpu(), BenchServer.PostgresCpu());
            var burst = await BurstAsync(codes);
            var (used, usedPg) =
                ((host.Cpu() - cpu).TotalMilliseconds / Orders, (BenchServer.PostgresCpu() - pg).TotalMilliseconds / Orders);
            Console.WriteLine($"{(run < 0 ? "Warm-up" : $"Run {run + 1} of {Runs}")}: with a code {burst.PerSecond:N0}, without "
                + $"{plain.PerSecond:N0} orders a second; {used + usedPg:0.00} ms of CPU for one with a code.");
            if (run < 0)
                continue;
            with.Add(burst.PerSecond);
            without.Add(plain.PerSecond);
            p50.Add(Figures.Median(burst.Latencies));
            p99.Add(Figures.Percentile(burst.Latencies, 0.99));
            boon.Add(used);
            postgres.Add(usedPg);
            total.Add(used + usedPg);
        }
        await CheckAsync(source, ct);
        var most = Figures.Median(total);
        return new Figures($"orders: {Orders:N0} orders at {Connections} connections, each of its own member and code, medians of {Runs} "
            + $"runs, interleaved; the limit is orders without a code")
            .Add("orders with a code, placed to confirmed", Figures.Rate(Figures.Median(with)), Figures.Rate(Figures.Median(without)),
                Figures.Ratio(with, without))
            .Add("CPU of an order with a code", $"{most:0.00} ms", $"{MostCpuMilliseconds:0} ms", most / MostCpuMilliseconds,
                $"< {MostCpuMilliseconds:0} ms", most < MostCpuMilliseconds)
            .Note($"From the request to the answer that says confirmed: p50 {Figures.Milliseconds(Figures.Median(p50))}, p99 "
                + $"{Figures.Milliseconds(Figures.Median(p99))}. "
                + $"CPU: {Figures.Median(boon):0.00} ms of Boon's, {Figures.Median(postgres):0.00} ms of PostgreSQL's, with the reading of "
                + $"the order, the logs, and campaigns and quests that look at its events.");

        async Task<Burst> BurstAsync(string[]? with)
        {
            var requests = Enumerable.Range(0, Orders).Select(i => LoadGenerator.Post("/v1/orders", members[i % Connections],
                $$"""{"product":"mobile-top-up","quantity":1,"total":{"amount":{{1000 + i}}"""
                    + $$""","currency":"USD"}{{(with is null ? "" : $",\"code\":\"{with[i % Connections]}\"")}}}""")).ToList();
            var burst = await LoadGenerator.RunAsync(
                host.Url, requests, Connections, ct, (i, answer) => Follow(members[i % Connections], answer.Span));
            return burst.Statuses.GetValueOrDefault(200) == Orders
                ? burst : throw new InvalidOperationException($"Not every order was placed: {string.Join(", ", burst.Statuses)}");
        }
    }

    /// <summary>Asks for the order that was placed, until it is confirmed.</summary>
    private static byte[] Follow(string token, ReadOnlySpan<byte> answer)
    {
        var start = answer.IndexOf("Location: "u8) + 10;
        if (start < 10)
            throw new InvalidOperationException($"The order was not placed: {Encoding.UTF8.GetString(answer)}");
        return LoadGenerator.Get(
            Encoding.ASCII.GetString(answer.Slice(start, answer[start..].IndexOf((byte)'\r'))), $"Authorization: Bearer {token}",
            "Prefer: wait=30");
    }

    /// <summary>A coupon for each member that can be redeemed as often as the bench needs.</summary>
    private static async Task<string[]> CodesAsync(NpgsqlDataSource source, HostProcess host, string[] members, CancellationToken ct)
    {
        await using (var upload = source.CreateCommand($$"""
            insert into promotions.codes (id, code, benefit, max_uses, expires_at, type, position)
            select gen_random_uuid(), 'ORDERS-' || n, '{"kind":"percent","value":10}', 1000000, now() + interval '30 days', 'STANDARD', n
            from generate_series(1, {{members.Length}}) n;
            update promotions.upload_turn set last_position = {{members.Length}}
            """))
            await upload.ExecuteNonQueryAsync(ct);
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        var codes = new List<string>();
        foreach (var member in members)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/claims")
                { Content = new StringContent("""{"type":"STANDARD"}""", Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new("Bearer", member);
            using var response = await http.SendAsync(request, ct);
            using var claim = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(ct));
            codes.Add(claim.RootElement.GetProperty("coupon").GetProperty("code").GetString()!);
        }
        return [.. codes];
    }

    private static async Task CheckAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        const long expected = (Runs + WarmUps) * (long)Orders;
        await using var count = source.CreateCommand("select (select count(*) from orders.orders where code is not null and state = "
            + "'confirmed'), (select sum(uses) from promotions.codes)");
        await using var reader = await count.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        if (reader.GetInt64(0) != expected || reader.GetInt64(1) != expected)
            throw new InvalidOperationException(
                $"{reader.GetInt64(0)} orders are confirmed and {reader.GetInt64(1)} uses are taken; both should be {expected}.");
    }
}
