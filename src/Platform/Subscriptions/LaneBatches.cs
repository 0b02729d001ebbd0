using System.Diagnostics;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Runs the batches of a lane. Each is one transaction that locks the lane's checkpoint, reads the events after it, handles them, appends
/// what they cause and moves the checkpoint. So each event has its effect exactly once, whatever dies when.
/// </summary>
internal sealed partial class LaneBatches<TContext>(Lane<TContext> lane, BatchLimit limit)
    where TContext : DbContext
{
    private readonly Subscription<TContext> subscription = lane.Subscription;
    private readonly LaneFailures<TContext> failures = new(lane);
    private readonly HashSet<string> stopped = new(StringComparer.Ordinal);

    /// <summary>Runs the next batch of a source.</summary>
    internal async Task<LanePass> RunAsync(string source, CancellationToken ct)
    {
        await using var unit = new Unit<TContext>(lane.Module, lane.Signals);
        await unit.BeginAsync(ct);

        // 1. Lock the checkpoint rows of the lane, and read their positions.
        var rows = await Checkpoints.LockAsync(unit.Connection, lane.Key, subscription.Sources, wait: false, ct);
        if (rows is null)
            return await LayoutIsAnotherAsync(unit, ct) ? LanePass.LayoutChanged : LanePass.Busy;
        var checkpoint = rows.First(row => row.Source == source);
        if (checkpoint.Lanes != lane.Count)
            return LanePass.LayoutChanged;

        // 2. Read events after these positions.
        var started = Stopwatch.GetTimestamp();
        if (await ReadAsync(unit, checkpoint, failures.GoOneByOne(checkpoint) ? 1 : limit.Current, ct) is not { } read)
            return LanePass.Idle;
        var (page, unknown) = lane.Versions.Cut(read, checkpoint.Mark);
        if (unknown is not null && page.UpTo == checkpoint.Sequence)
            return StopBefore(unknown);
        if (page.UpTo == checkpoint.Sequence)
            return checkpoint.HoldAt is null ? LanePass.Idle : await FinishChangeAsync(unit, ct);
        if (!Defences.AtomicCheckpoint.On)
            await MoveAloneAsync(checkpoint, page, unit, ct);

        // 3. Run the handler, and write its state and events.
        BatchEffect effect;
        try
        {
            effect = await HandleAsync(page.Events, unit, ct);
            await unit.SaveAsync(ct);
        }
        catch (Exception error) when (page.Events.Count > 0 && !PostgresErrors.IsInfrastructure(error) && !ct.IsCancellationRequested)
        {
            await unit.RollbackAsync();
            if (!Defences.Parking.On)
                throw;
            await failures.AddAsync(checkpoint, page, error, ct);
            return LanePass.Worked;
        }
        finally
        {
            foreach (var e in page.Events)
                e.Activity?.Stop();
        }

        // 4. Move the checkpoint and commit.
        if (effect.IsWritten)
            FaultPoints.Reach("batch");
        var (taken, upTo) = ReachOf(effect, page);
        if (Defences.AtomicCheckpoint.On
            && await Checkpoints.MoveAsync(unit.Connection, lane.Key, checkpoint, upTo, page.Mark, ct, durable: effect.IsWritten) != 1)
            throw new InvalidOperationException($"The checkpoint of {subscription.Name} moved under its lock.");
        await unit.CommitAsync(ct);
        lane.Signals.Moved(subscription.Name);
        FaultPoints.Reach("after-batch");
        if (taken > 0)
        {
            limit.Succeeded();
            LogMetrics.Handled(subscription.Name, taken, Stopwatch.GetElapsedTime(started));
        }
        return effect.IsWritten || upTo < page.Head ? LanePass.Worked : LanePass.NoEffect;
    }

    /// <summary>
    /// How many events of the page the handler took, and where the checkpoint goes: to the end of what was looked at, or to the last event
    /// that was taken.
    /// </summary>
    private static (int Taken, long UpTo) ReachOf(BatchEffect effect, LogPage page) => effect.Taken switch
    {
        null => (page.Events.Count, page.UpTo),
        { } taken when taken == page.Events.Count => (taken, page.UpTo),
        { } taken when taken > 0 && taken < page.Events.Count => (taken, page.Events[taken - 1].Sequence),
        { } taken => throw new InvalidOperationException($"A handler cannot take {taken} of {page.Events.Count} events."),
    };

    private async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<TContext> unit, CancellationToken ct)
    {
        if (events.Count == 0)
            return BatchEffect.None;
        if (LogMetrics.Activities.HasListeners())
        {
            foreach (var e in events)
                if (e.TraceParent is not null && ActivityContext.TryParse(e.TraceParent, null, isRemote: true, out var parent))
                    e.Activity = LogMetrics.Activities.StartActivity(subscription.Name, ActivityKind.Consumer, parent, [
                        new("boon.event.id", e.Id), new("boon.event.type", e.Type), new("boon.event.sequence", e.Sequence)]);
            Activity.Current = null;
        }
        return await subscription.Handler(events, unit, ct);
    }

    /// <summary>The next page; null when its log is empty, or is not the one that was read before.</summary>
    private async Task<LogPage?> ReadAsync(Unit<TContext> unit, Checkpoint checkpoint, int most, CancellationToken ct)
    {
        var source = checkpoint.Source;
        try
        {
            var place = lane.PlaceOf(source);
            var page = await place.ReadAsync(unit.Connection, connection => EventReader.ReadAsync(
                connection, place, checkpoint.Sequence, most, ct, lane.Number, lane.Count, Furthest(checkpoint), subscription.Types,
                checkpoint.Mark), ct);
            if (page.Events.Count == 0 || lane.Versions.Knows(page.Events[0].Type))
                stopped.Remove(source);
            return page;
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return null; // the source was never started on its database
        }
        catch (LogDivergedException error)
        {
            if (stopped.Add(source))
                LogStopped(lane.Logger, subscription.Name, lane.Number, error.Message);
            return null;
        }
    }

    /// <summary>The lane tries again now and then, and goes on when a build that knows the version reads it.</summary>
    private LanePass StopBefore(LoggedEvent unknown)
    {
        if (stopped.Add(unknown.Source))
            LogUnknownVersion(lane.Logger, subscription.Name, lane.Number, unknown.Sequence, unknown.Source, unknown.Type);
        return LanePass.Idle;
    }

    /// <summary>
    /// The hold, if there is one. And who wants few of the events looks at a bounded number of them at a time, however long the log is.
    /// </summary>
    private long Furthest(Checkpoint checkpoint) => Math.Min(
        checkpoint.HoldAt ?? long.MaxValue, subscription.Types is null ? long.MaxValue : checkpoint.Sequence + EventReader.MostLookedAt);

    private async Task MoveAloneAsync(Checkpoint checkpoint, LogPage page, Unit<TContext> unit, CancellationToken ct)
    {
        await Checkpoints.MoveAsync(unit.Connection, lane.Key, checkpoint, page.UpTo, page.Mark, ct);
        await unit.CommitAsync(ct);
        await unit.BeginAsync(ct);
    }

    /// <summary>A lane that waits at its hold looks again soon: others are to reach theirs.</summary>
    private async Task<LanePass> FinishChangeAsync(Unit<TContext> unit, CancellationToken ct)
    {
        await unit.RollbackAsync();
        return await LaneLayout.TryFinishChangeAsync(lane.Database, subscription.Name, subscription.Sources, lane.Settings.Lanes, ct)
            ? LanePass.LayoutChanged : LanePass.NoEffect;
    }

    /// <summary>Asked on the unit's own connection: who holds one and waits for another can wait for ever when all do.</summary>
    private async Task<bool> LayoutIsAnotherAsync(Unit<TContext> unit, CancellationToken ct)
    {
        return await unit.Command($"""
            select not exists (
                select
                from {lane.Key.Schema}.checkpoints
                where subscription = $1 and lane = $2 and lanes = $3)
            """, lane.Key.Subscription, lane.Key.Lane, lane.Count)
            .ScalarAsync<bool>(ct);
    }

    [LoggerMessage(2, LogLevel.Error, "{Subscription} lane {Lane} has stopped before event {Sequence} of {Source}: this build does not "
        + "know {Type}. It goes on after an upgrade", EventName = "event-version-unknown")]
    private static partial void LogUnknownVersion(
        ILogger logger, string subscription, int lane, long sequence, string source, string type);

    [LoggerMessage(1, LogLevel.Error, "{Subscription} lane {Lane} has stopped. {Reason}", EventName = "log-diverged")]
    private static partial void LogStopped(ILogger logger, string subscription, int lane, string reason);
}
