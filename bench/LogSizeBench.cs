using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Boon.Host.Demo;

namespace Boon.Bench;

/// <summary>
/// What operators ask of a long log, beside the same of a short one: the metrics, the events of one user, those of a rare type. Both logs
/// have as many events for each user and of the rare type; the hosts are asked in turn.
/// </summary>
internal static class LogSizeBench
{
    private const int Few = 20_000;
    private const int EventsOfUser = 20;
    private const int EventsOfRareType = 20;
    private const int Calls = 100;
    private const int WarmUp = 20;
    private const double Aim = 2;
    private const string RareType = "bench.rare.v1";

    private static readonly Guid User = new("0198c0de-0000-7000-8000-000000000001");

    /// <summary>Events in the long log: <c>--events</c>.</summary>
    internal static int Events { get; set; } = 20_000_000;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var other = await DemoDatabase.CreateAsync(connectionString, ct);
        await SeedAsync(connectionString, Few, ct);
        var filling = Stopwatch.GetTimestamp();
        await SeedAsync(other.ConnectionString, Events, ct);
        Console.WriteLine($"{Events:N0} events stored in {Stopwatch.GetElapsedTime(filling).TotalSeconds:0} s.");
        await using var small = await HostProcess.ServeAsync(connectionString, ct);
        await using var large = await HostProcess.ServeAsync(other.ConnectionString, ct);
        using var ofSmall = await ClientAsync(small, ct);
        using var ofLarge = await ClientAsync(large, ct);
        var figures = new Figures(
            $"log-size: a log of {Events:N0} events beside one of {Few:N0}; medians of {Calls} calls of each in turn");
        foreach (var path in (string[])[
            "/metrics", $"/v1/events?module=identity&userId={User}", $"/v1/events?module=identity&type={RareType}",
            "/v1/events?module=identity"])
        {
            List<double> few = [], many = [];
            for (var call = -WarmUp; call < Calls; call++)
            {
                var (one, another) = (await TimeAsync(ofSmall, path, ct), await TimeAsync(ofLarge, path, ct));
                if (call < 0)
                    continue;
                few.Add(one);
                many.Add(another);
            }
            var ratio = Figures.Ratio(many, few);
            figures.Add(path, Figures.Milliseconds(Figures.Median(many)), Figures.Milliseconds(Figures.Median(few)), ratio, $"<= {Aim}",
                ratio <= Aim);
        }
        return figures;
    }

    private static async Task<double> TimeAsync(HttpClient http, string path, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), ct);
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsByteArrayAsync(ct);
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static async Task<HttpClient> ClientAsync(HostProcess host, CancellationToken ct)
    {
        var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        using var answer = await http.PostAsJsonAsync(
            new Uri("/v1/sessions", UriKind.Relative), new { identifier = "operator", password = HostProcess.OperatorPassword }, ct);
        var session = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.GetProperty("accessToken").GetString());
        return http;
    }

    /// <summary>Migrates, and fills Identity's log as if all of it had been numbered and read.</summary>
    private static async Task SeedAsync(string connectionString, int events, CancellationToken ct)
    {
        await using (await HostProcess.ServeAsync(connectionString, ct))
        {
            // migrated, and every subscription has its checkpoints
        }
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0, Pooling = false }.ConnectionString);
        await using var seed = source.CreateCommand($"""
            drop index identity.event_log_txid, identity.event_log_userid, identity.event_log_type;
            insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid)
            select gen_random_uuid(), 'user', 'u', case when n % ({events} / {EventsOfRareType}) = 7 then '{RareType}'
            else 'bench.filler.v' || n % 5 end, json_build_object('n', n),
                   case when n % ({events} / {EventsOfUser}) = 11 then '{User}'::uuid
                   else md5((n % ({events} / {EventsOfUser}))::text)::uuid end
            from generate_series(1, {events}) n;
            insert into identity.event_order (sequence, position, recordedat)
            select h.last + row_number() over (order by l.position), l.position, h.recordedat
            from identity.log_head h, identity.event_log l
            where l.position > (select coalesce(max(position), 0) from identity.event_order);
            update identity.log_head set last = (select max(sequence) from identity.event_order);
            create index event_log_txid on identity.event_log (txid);
            create index event_log_userid on identity.event_log (userid, position) where userid is not null;
            create index event_log_type on identity.event_log (type collate "C", position);
            update promotions.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            update quests.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            update orders.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            """);
        await seed.ExecuteNonQueryAsync(ct);
        await using var settle = source.CreateCommand("update identity.log_head set settled = pg_current_snapshot()");
        await settle.ExecuteNonQueryAsync(ct);
        await using var vacuum = source.CreateCommand("vacuum analyze identity.event_log, identity.event_order");
        await vacuum.ExecuteNonQueryAsync(ct);
    }
}
