using Boon.Broker.Transport;
using Boon.Platform.Data;

namespace Boon.Broker.Shipping;

/// <summary>
/// Publishes a module's log: every event, in the order of the sequences. One process does it, whatever their number: the one with the lock.
/// What the broker has confirmed is stored as shipped. Whatever fails, it goes on after that: an event may be published twice, and none is
/// left out. While the broker is away the log waits, and nobody else does.
/// </summary>
internal sealed partial class Shipper(
    ModuleDatabase database, LogTransport transport, EventTypes types, LogSignals signals, TimeProvider time, ILogger<Shipper> logger)
{
    /// <summary>Events that are published together; the next ones are read meanwhile.</summary>
    private const int MostTogether = 2_000;

    /// <summary>A stream at rest says so often how far the log is.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    private readonly LogPlace log = LogPlace.Own(database);
    private readonly Backoff away = new();
    private bool said;
    private long last;

    /// <summary>Where the stream and the log stand.</summary>
    /// <param name="Stream">The stream's id.</param>
    /// <param name="LogId">The log's id.</param>
    /// <param name="At">The last sequence that was published, and is stored as shipped.</param>
    private sealed record Place(Guid Stream, Guid LogId, long At);

    /// <summary>Ships until the token is cancelled.</summary>
    internal Task RunAsync(CancellationToken ct) => database.Loops.RepeatAsync(
        () => TurnAsync(ct), (error, _) => LogFailed(logger, database.Module, error.Message), ct);

    private async Task TurnAsync(CancellationToken ct)
    {
        await using var session = await LiveSession.TryTakeAsync(database.Background, $"boon:ship:{database.Module}", ct);
        if (session is null)
        {
            await Task.Delay(Heartbeat, time, ct);
            return;
        }
        // What a crash of the server loses is published again.
        await session.Connection.Command("set synchronous_commit = off").ExecuteAsync(ct);
        while (true)
            try
            {
                await ShipAsync(session, ct);
            }
            catch (BrokerException error)
            {
                if (!said)
                    LogAway(logger, database.Module, error.Message);
                said = true;
                await session.WaitAsync(Task.Delay(away.Next(), time, ct), ct);
            }
    }

    /// <summary>Ships until the log or the place in it is another one.</summary>
    private async Task ShipAsync(LiveSession session, CancellationToken ct)
    {
        if (await StartAsync(session, ct) is not { } place)
            return;
        await using var publisher = await session.WaitAsync(transport.PublisherAsync(database.Module, ct), ct);
        if (said)
            LogBack(logger, database.Module);
        said = false;
        using var wake = new WakeSignal();
        using var sequenced = signals.OnSequenced(database.Module, wake);
        var page = await ReadAsync(session, place.At, ct);
        while (page.Mark.LogId == place.LogId)
        {
            if (page.Events.Count == 0)
            {
                if (time.GetElapsedTime(last) >= Heartbeat)
                    await BeatAsync(session, publisher, place, page.Head, ct);
                if (!await session.WaitAsync(wake.WaitAsync(Heartbeat, ct), ct) && await ShippedAsync(session, ct) != place.At)
                    return; // it was set back: boon ship
                page = await ReadAsync(session, place.At, ct);
                continue;
            }
            var events = page.Events;
            if (!BrokerDefences.ConfirmsFirst.On)
                await MoveAsync(session, place.At, events[^1].Sequence, ct);
            FaultPoints.Reach("ship");
            var publishing = publisher.PublishAsync(
                [.. events.Select(e => new LogMessage(place.Stream, place.LogId, e.Sequence, page.Head, e.WithoutPersonal(types)))], ct);
            page = await ReadAsync(session, events[^1].Sequence, ct);
            await session.WaitAsync(publishing, ct);
            away.Reset();
            last = time.GetTimestamp();
            ShipMetrics.Shipped(database.Module, events.Count);
            if (BrokerDefences.ConfirmsFirst.On && !await MoveAsync(session, place.At, events[^1].Sequence, ct))
                return; // it was set back: boon ship
            place = place with { At = events[^1].Sequence };
        }
    }

    /// <summary>Finds out from where to go on; null: nobody can say yet.</summary>
    private async Task<Place?> StartAsync(LiveSession session, CancellationToken ct)
    {
        var end = await session.WaitAsync(transport.EndAsync(database.Module, ct), ct);
        var (head, logId) = await session.Connection.Command($"select h.last, h.logid from {LogHead.Of(database.Schema)} h")
            .ReadOneAsync(row => (row.GetInt64(0), row.GetGuid(1)), ct);
        if (end is not null && end.LogId == logId && end.Sequence > head)
        {
            LogLost(logger, database.Module, head, end.Sequence, database.Module);
            await session.WaitAsync(Task.Delay(TimeSpan.FromSeconds(10), time, ct), ct);
            return null;
        }
        var shipped = await ShippedAsync(session, ct);
        // A stream that is new, or of another log, gets all of it; one that lacks something gets that again.
        var at = !BrokerDefences.ConfirmsFirst.On ? shipped
            : end is null || end.LogId != logId ? 0
            : Math.Min(shipped, end.Sequence);
        if (at != shipped && !await MoveAsync(session, shipped, at, ct))
            return null;
        if (at < head)
            LogGoesOn(logger, database.Module, at, head);
        return new Place(end?.Stream ?? OrderedId.New(), logId, at);
    }

    private Task<LogPage> ReadAsync(LiveSession session, long after, CancellationToken ct) =>
        EventReader.ReadAsync(session.Connection, log, after, MostTogether, ct);

    private async Task BeatAsync(LiveSession session, LogPublisher publisher, Place place, long head, CancellationToken ct)
    {
        await session.WaitAsync(publisher.PublishAsync([new LogMessage(place.Stream, place.LogId, place.At, head, Event: null)], ct), ct);
        away.Reset();
        last = time.GetTimestamp();
    }

    private Task<long> ShippedAsync(LiveSession session, CancellationToken ct) =>
        session.Connection.Command($"select sequence from {database.Schema}.shipped").ScalarAsync<long>(ct);

    /// <summary>Stores what is shipped; false when somebody has set it back.</summary>
    private async Task<bool> MoveAsync(LiveSession session, long from, long to, CancellationToken ct) => await session.Connection.Command(
        $"update {database.Schema}.shipped set sequence = $2 where sequence = $1", from, to).ExecuteAsync(ct) == 1;

    [LoggerMessage(1, LogLevel.Warning, "{Module}'s log could not be published and is tried again: {Error}", EventName = "ship-failed")]
    private static partial void LogFailed(ILogger logger, string module, string error);

    [LoggerMessage(2, LogLevel.Warning, "The broker is away: {Module}'s log waits until it is back. {Error}", EventName = "broker-away")]
    private static partial void LogAway(ILogger logger, string module, string error);

    [LoggerMessage(3, LogLevel.Information, "{Module}'s log is published again", EventName = "broker-back")]
    private static partial void LogBack(ILogger logger, string module);

    [LoggerMessage(4, LogLevel.Error, "{Module}'s log ends at {Head}, and its stream has {Sequence}: the log has lost events that others "
        + "have read. Nothing is published. Say that it is another log now: boon log new-epoch {Name}", EventName = "ship-diverged")]
    private static partial void LogLost(ILogger logger, string module, long head, long sequence, string name);

    [LoggerMessage(5, LogLevel.Information, "{Module}'s log is published after {Sequence}; it ends at {Head}", EventName = "ship-goes-on")]
    private static partial void LogGoesOn(ILogger logger, string module, long sequence, long head);
}
