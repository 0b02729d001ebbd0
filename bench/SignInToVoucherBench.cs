using Boon.Host.Demo;

namespace Boon.Bench;

/// <summary>
/// At rest, one sign-in after the other: from its answer until the user's voucher is in GET /v1/vouchers. The voucher costs two commits
/// (the sequencer's, the subscription's) and the one request that shows it; those alone, one after the other, are the limit.
/// </summary>
internal static class SignInToVoucherBench
{
    private const int SignIns = 200;
    private const int WarmUps = 20;
    private const double AimMilliseconds = 50;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        await using var source = NpgsqlDataSource.Create(connectionString);
        await Accounts.SeedAsync(source, SignIns + WarmUps, ct);
        using var client = new DemoClient(host.Url, connections: 1);
        await CreateCampaignAsync(client, ct);
        await using var connection = await source.OpenConnectionAsync(ct);
        await ExecuteAsync(connection, "create table public.commits (id bigint generated always as identity)", ct);

        List<double> latencies = [], limits = [], polls = [];
        for (var i = 0; i < WarmUps + SignIns; i++)
        {
            var token = await Accounts.SignInAsync(client, Accounts.Name(i), Accounts.Password, ct);
            var started = Stopwatch.GetTimestamp();
            var gets = 1;
            for (; !await HasVoucherAsync(client, token, ct); gets++)
                if (Stopwatch.GetElapsedTime(started) > LongestWait)
                    throw new InvalidOperationException($"{Accounts.Name(i)} has no voucher after {LongestWait.TotalSeconds} s.");
            var latency = Stopwatch.GetElapsedTime(started);

            started = Stopwatch.GetTimestamp();
            for (var commit = 0; commit < 2; commit++)
                await ExecuteAsync(connection, "insert into public.commits default values", ct);
            await HasVoucherAsync(client, token, ct);
            var limit = Stopwatch.GetElapsedTime(started);
            if (i < WarmUps)
                continue;
            latencies.Add(latency.TotalMilliseconds);
            limits.Add(limit.TotalMilliseconds);
            polls.Add(gets);
        }
        var inside = await BetweenEventsAsync(connection, ct);

        var figures = new Figures($"sign-in-to-voucher: {SignIns} sign-ins one after the other; the limit is two commits of one row and "
            + $"one GET /v1/vouchers, in turn with them");
        foreach (var (name, share) in ((string, double)[])[("p50", 0.5), ("p99", 0.99)])
        {
            var (latency, limit) = (Figures.Percentile(latencies, share), Figures.Percentile(limits, share));
            figures.Add($"sign-in answered to voucher seen, {name}", Figures.Milliseconds(latency), Figures.Milliseconds(limit),
                latency / limit,
                share > 0.5 ? $"< {AimMilliseconds:0} ms" : "", share > 0.5 ? latency < AimMilliseconds : null);
        }
        return figures
            .Add("inside the server, event to event, p50", Figures.Milliseconds(Figures.Percentile(inside, 0.5)))
            .Add("inside the server, event to event, p99", Figures.Milliseconds(Figures.Percentile(inside, 0.99)))
            .Note($"{Figures.Median(polls):0} GETs until the voucher is seen (median). Event to event: from the time of user-signed-in to "
                + $"that of voucher-issued in the logs.");
    }

    private static async Task CreateCampaignAsync(DemoClient client, CancellationToken ct)
    {
        var token = await Accounts.SignInAsync(client, "operator", HostProcess.OperatorPassword, ct);
        var campaign = await client.SendAsync(HttpMethod.Post, "/v1/campaigns", new
        {
            name = "30 % off for everybody",
            trigger = "identity.user-signed-in",
            limit = 1_000_000,
            perUser = 1,
            benefit = new { kind = "percent", value = 30, products = (string[])["mobile-top-up"] },
            voucherValidFor = "P30D",
            maxUses = 1,
        }, token, ct);
        if (!campaign.Ok)
            throw new InvalidOperationException($"The campaign was refused: {campaign.Refusal}");
    }

    private static async Task<bool> HasVoucherAsync(DemoClient client, string token, CancellationToken ct)
    {
        var answer = await client.SendAsync(HttpMethod.Get, "/v1/vouchers", null, token, ct);
        return answer.Ok ? answer.Body.GetProperty("data").GetArrayLength() > 0 : throw new InvalidOperationException(
            $"GET /v1/vouchers: {answer.Refusal}");
    }

    private static async Task<List<double>> BetweenEventsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            select extract(epoch from v.time - s.time)::float8 * 1000 from promotions.event_log v join identity.event_log s
            on s.id = v.causationid
            where v.type = 'promotions.voucher-issued.v1' order by v.position desc limit $1
            """, connection)
        { Parameters = { new() { Value = SignIns } } };
        await using var reader = await command.ExecuteReaderAsync(ct);
        var times = new List<double>();
        while (await reader.ReadAsync(ct))
            times.Add(reader.GetDouble(0));
        return times;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
