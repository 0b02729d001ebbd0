using System.Diagnostics.Metrics;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;

namespace Boon.Platform.Observability;

/// <summary>
/// How far each subscription lane is behind: asked of the database at each scrape, so every process tells the same truth.
/// </summary>
internal sealed class LogLag : IDisposable
{
    private readonly LogPlaces places;
    private readonly EventVersions versions;
    private readonly BrokerLag broker;
    private readonly IReadOnlyList<SubscriptionRunner> subscriptions;
    private readonly IReadOnlyList<HostedModule> modules;
    private readonly SemaphoreSlim gate = new(1, 1);
    private volatile IReadOnlyList<Reading> readings = [];
    private volatile IReadOnlyList<(string Module, long Events)> waiting = [];
    private volatile IReadOnlyList<(string Subscription, long Open)> letters = [];

    /// <summary>Unnumbered events that are counted; more are shown as so many.</summary>
    private const int MostCounted = 100_000;

    /// <summary>A lane's place in one source's log.</summary>
    private sealed record Place(int Lane, int Lanes, string Source, long Sequence, LogMark Mark, DateTime MovedAt);

    /// <summary>The event after a lane's place: how old it is, its type, and whose it is.</summary>
    private sealed record Next(double Seconds, string Type, Guid? UserId);

    /// <summary>A lane's lag in one source's log; negative and stopped when the log ends before the lane's checkpoint.</summary>
    internal sealed record Reading(
        string Subscription, int Lane, string Source, long Sequence, long Lag, double OldestSeconds, string? Stopped, DateTime MovedAt);

    public LogLag(
        LogPlaces places, EventVersions versions, IEnumerable<SubscriptionRunner> subscriptions, IEnumerable<HostedModule> modules)
    {
        broker = new(places, modules);
        this.modules = [.. modules];
        LogMetrics.Meter.CreateObservableGauge(
            "boon_log_unsequenced_events", () =>
            waiting.Select(w => new Measurement<long>(w.Events, new KeyValuePair<string, object?>("module", w.Module))),
            description: "Committed events that have no number yet.");
        (this.places, this.versions) = (places, versions);
        this.subscriptions = [.. subscriptions];
        LogMetrics.Meter.CreateObservableGauge(
            "boon_subscription_lag_events", () => readings.Select(r => new Measurement<long>(r.Lag, Tags(r))),
            description: "Events in the source's log after the lane's checkpoint.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_subscription_oldest_unread_seconds", () => readings.Select(r => new Measurement<double>(r.OldestSeconds, Tags(r))),
            description: "Age of the oldest event after the lane's checkpoint; 0 when there is none.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_subscription_stopped", () => readings.Select(r => new Measurement<int>(r.Stopped is null ? 0 : 1, Tags(r))),
            description: "1 when the lane has stopped: the source's log is another one, or has an event of a version that is not known.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_dead_letters_open", () =>
            letters.Select(l => new Measurement<long>(l.Open, new KeyValuePair<string, object?>("subscription", l.Subscription))),
            description: "Parked events that wait to be redriven.");
    }

    /// <summary>Where each lane was when it was asked last.</summary>
    internal IReadOnlyList<Reading> Readings => readings;

    /// <summary>How many parked events each subscription had then.</summary>
    internal IReadOnlyList<(string Subscription, long Open)> Letters => letters;

    private static KeyValuePair<string, object?>[] Tags(Reading reading) =>
        [new("subscription", reading.Subscription), new("lane", reading.Lane), new("source", reading.Source)];

    /// <summary>
    /// Asks the databases, one caller after the other. While they are away it shows nothing, rather than what was true once.
    /// </summary>
    internal async Task RefreshAsync(CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            await ReadAsync(ct);
            await broker.ReadAsync(ct);
        }
        catch (Exception error) when (PostgresErrors.IsOutage(error) && !ct.IsCancellationRequested)
        {
            broker.Clear();
            (readings, letters, waiting) = ([], [], []); // the other figures are wanted most while the database is away
        }
        finally
        {
            gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();

    private async Task ReadAsync(CancellationToken ct)
    {
        var unnumbered = new List<(string, long)>();
        foreach (var module in modules)
        {
            var events = await module.Database.Background.Command($"""
                select count(*)
                from (
                    select
                    from {LogHead.Of(module.Database.Schema)} h
                    cross join lateral ({Sequencer.NewRows(module.Database.Schema)}) l
                    limit {MostCounted}
                ) waiting
                """)
                .ScalarAsync<long>(ct);
            unnumbered.Add((module.Name, events));
        }
        waiting = unnumbered;
        var found = new List<Reading>();
        var open = new List<(string, long)>();
        foreach (var subscription in subscriptions)
        {
            var schema = subscription.Database.Schema;
            await using var connection = await subscription.Database.Background.OpenConnectionAsync(ct);
            var lanes = await connection.Command($"""
                select lane, lanes, source, sequence, logid, read_sequence, read_event, updated_at
                from {schema}.checkpoints
                where subscription = $1
                """, subscription.Name)
                .ReadAllAsync(row =>
                    new Place(
                        row.GetInt32(0), row.GetInt32(1), row.GetString(2), row.GetInt64(3), Checkpoints.ReadMark(row, 4),
                        row.GetDateTime(7)), ct);
            foreach (var place in lanes)
                try
                {
                    var log = places.Of(subscription.Database.Module, place.Source);
                    found.Add(await log.ReadAsync(connection, c => ReadAsync(c, log, subscription, place, ct), ct));
                }
                catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
                {
                    // the source was never started on its database: nothing waits there
                }
            var count = connection.Command(
                $"select count(*) from {schema}.dead_letters where subscription = $1 and redriven_at is null", subscription.Name);
            open.Add((subscription.Name, await count.ScalarAsync<long>(ct)));
        }
        readings = found;
        letters = open;
    }

    private async Task<Reading> ReadAsync(
        NpgsqlConnection connection, LogPlace log, SubscriptionRunner subscription, Place place, CancellationToken ct)
    {
        var trip = new RoundTrip(connection);
        var asked = LogState.Ask(trip, log.Schema, place.Mark);
        var next = trip.Add($"""
            select extract(epoch from clock_timestamp() - o.recordedat)::float8, l.type, l.userid
            from {log.Schema}.event_order o
            {EventReader.Event(log.Schema)}
            where o.sequence = $1
            """, place.Sequence + 1)
            .First(row => new Next(row.GetDouble(0), row.GetString(1), row.GetNullable<Guid>(2)));
        await trip.RunAsync(ct);
        var state = asked.Value!;
        return new Reading(
            subscription.Name, place.Lane, place.Source, place.Sequence, state.Head - place.Sequence,
            Math.Max(0, next.Value?.Seconds ?? 0),
            state.Difference(log, place.Sequence, place.Mark) ?? Unknown(next.Value, subscription, place), place.MovedAt);
    }

    /// <summary>A lane stands before an event of an unknown version that is its to handle; any other event it passes.</summary>
    private string? Unknown(Next? next, SubscriptionRunner subscription, Place place) =>
        next is not null && !versions.Knows(next.Type) && Lanes.Of(next.UserId, place.Lanes) == place.Lane
            && subscription.Types?.Contains(EventNames.WithoutVersion(next.Type), StringComparer.Ordinal) != false
            ? $"event {place.Sequence + 1} is {next.Type}, a version that this build does not know" : null;
}
