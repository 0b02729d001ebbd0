using System.Diagnostics.Metrics;
using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Observability;

/// <summary>How far each subscription lane is behind: asked of the database at each scrape, so every process tells the same truth.</summary>
internal sealed class LogLag
{
    private readonly Databases databases;
    private readonly IReadOnlyList<SubscriptionRunner> subscriptions;
    private readonly IReadOnlyList<HostedModule> modules;
    private volatile IReadOnlyList<Reading> readings = [];
    private volatile IReadOnlyList<(string Module, long Events)> waiting = [];
    private volatile IReadOnlyList<(string Subscription, long Open)> letters = [];

    /// <summary>A lane's lag in one source's log.</summary>
    private sealed record Reading(string Subscription, int Lane, string Source, long Lag, double OldestSeconds);

    public LogLag(Databases databases, IEnumerable<SubscriptionRunner> subscriptions, IEnumerable<HostedModule> modules)
    {
        this.modules = [.. modules];
        LogMetrics.Meter.CreateObservableGauge("boon_log_unsequenced_events", () => waiting.Select(w => new Measurement<long>(w.Events, new KeyValuePair<string, object?>("module", w.Module))),
            description: "Committed events that have no number yet.");
        this.databases = databases;
        this.subscriptions = [.. subscriptions];
        LogMetrics.Meter.CreateObservableGauge("boon_subscription_lag_events", () => readings.Select(r => new Measurement<long>(r.Lag, Tags(r))),
            description: "Events in the source's log after the lane's checkpoint.");
        LogMetrics.Meter.CreateObservableGauge("boon_subscription_oldest_unread_seconds", () => readings.Select(r => new Measurement<double>(r.OldestSeconds, Tags(r))),
            description: "Age of the oldest event after the lane's checkpoint; 0 when there is none.");
        LogMetrics.Meter.CreateObservableGauge("boon_dead_letters_open", () => letters.Select(l => new Measurement<long>(l.Open, new KeyValuePair<string, object?>("subscription", l.Subscription))),
            description: "Parked events that wait to be redriven.");
    }

    private static KeyValuePair<string, object?>[] Tags(Reading reading) =>
        [new("subscription", reading.Subscription), new("lane", reading.Lane), new("source", reading.Source)];

    /// <summary>Shows nothing rather than what was true once.</summary>
    internal void Forget() => (readings, letters, waiting) = ([], [], []);

    internal async Task RefreshAsync(CancellationToken ct)
    {
        var unnumbered = new List<(string, long)>();
        foreach (var module in modules)
        {
            await using var command = module.Database.Source.CreateCommand($"""
                select count(*) from {module.Database.Schema}.event_log l, {module.Database.Schema}.log_head h
                where l.txid >= pg_snapshot_xmax(h.settled) or l.txid = any (array(select pg_snapshot_xip(h.settled)))
                """);
            unnumbered.Add((module.Name, (long)(await command.ExecuteScalarAsync(ct))!));
        }
        waiting = unnumbered;
        var found = new List<Reading>();
        var open = new List<(string, long)>();
        foreach (var subscription in subscriptions)
        {
            var schema = subscription.Database.Schema;
            await using var connection = await subscription.Database.Source.OpenConnectionAsync(ct);
            var lanes = new List<(int Lane, string Source, long Sequence)>();
            await using (var command = new NpgsqlCommand($"select lane, source, sequence from {schema}.checkpoints where subscription = $1", connection)
            { Parameters = { new() { Value = subscription.Name } } })
            await using (var reader = await command.ExecuteReaderAsync(ct))
                while (await reader.ReadAsync(ct))
                    lanes.Add((reader.GetInt32(0), reader.GetString(1), reader.GetInt64(2)));
            foreach (var (lane, source, sequence) in lanes)
                try
                {
                    found.Add(await databases.ReadAsync(connection, subscription.Database, source, (c, s) => ReadAsync(c, s, subscription.Name, lane, source, sequence, ct)));
                }
                catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
                {
                    // the source was never started on its database: nothing waits there
                }
            await using var count = new NpgsqlCommand($"select count(*) from {schema}.dead_letters where subscription = $1 and redriven_at is null", connection)
            { Parameters = { new() { Value = subscription.Name } } };
            open.Add((subscription.Name, (long)(await count.ExecuteScalarAsync(ct))!));
        }
        readings = found;
        letters = open;
    }

    private static async Task<Reading> ReadAsync(NpgsqlConnection connection, string schema, string subscription, int lane, string source, long sequence, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select h.last, coalesce(extract(epoch from clock_timestamp() - o.recordedat), 0)::float8
            from {schema}.log_head h left join {schema}.event_order o on o.sequence = $1
            """, connection)
        { Parameters = { new() { Value = sequence + 1 } } };
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Reading(subscription, lane, source, Math.Max(0, reader.GetInt64(0) - sequence), Math.Max(0, reader.GetDouble(1)));
    }
}
