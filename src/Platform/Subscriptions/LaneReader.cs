using System.Diagnostics;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Reads one lane of one subscription: batch after batch, each in one transaction that locks the lane's checkpoint, reads the events after it,
/// handles them, appends what they cause and moves the checkpoint. So each event has its effect exactly once, whatever dies when.
/// </summary>
internal sealed partial class LaneReader<TContext>(
    Subscription<TContext> subscription, SubscriptionSettings settings, int lane, int lanes,
    ModuleDatabase<TContext> module, Databases databases, LogSignals signals, SemaphoreSlim turns, ILogger logger)
    where TContext : DbContext
{
    /// <summary>An event that fails this often, alone, is parked.</summary>
    internal const int Attempts = 3;

    /// <summary>From a batch that meant nothing, at the end of the log, to the next look; doubles while nothing means anything: who reads much that is not for it reads it in larger pieces.</summary>
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(80);

    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(100);

    private readonly ModuleDatabase database = module.Database;
    private readonly LaneNews news = new(subscription.Name, subscription.Sources, lane, lanes, module.Database, databases);
    private readonly BatchLimit limit = new(settings.BatchSize);
    private readonly Dictionary<string, Suspect> suspects = new(StringComparer.Ordinal);
    private readonly HashSet<string> stopped = new(StringComparer.Ordinal);

    /// <summary>Where a batch failed: up to <paramref name="Until"/> events are handled one by one; <paramref name="Failures"/> counts those of event <paramref name="Sequence"/>.</summary>
    private sealed record Suspect(long Until, long Sequence, int Failures);

    /// <summary>How a pass over the sources ended.</summary>
    internal enum Pass { Idle, NoEffect, Worked, Busy, LayoutChanged }

    /// <summary>Reads until <paramref name="layout"/> is cancelled; cancels it when the layout of lanes is another one.</summary>
    internal async Task RunAsync(CancellationTokenSource layout)
    {
        var ct = layout.Token;
        using var wake = new WakeSignal();
        var wakeUps = subscription.Sources.Select(source => signals.OnSequenced(source, wake)).ToList();
        try
        {
            var rest = new Backoff(ShortestRest, LongestRest);
            await database.Loops.RepeatAsync(
                async () =>
                {
                    var pass = await PassInTurnAsync(ct);
                    if (pass != Pass.NoEffect)
                        rest.Reset();
                    await (pass switch
                    {
                        Pass.LayoutChanged => layout.CancelAsync(),
                        Pass.Busy => wake.WaitAsync(Backoff.Jittered(BusyDelay), ct),
                        Pass.Idle => wake.WaitAsync(ct),
                        Pass.NoEffect => Task.Delay(rest.Next(), ct),
                        _ => Task.CompletedTask,
                    });
                },
                (error, pause) => LogRetry(logger, subscription.Name, lane, pause.TotalMilliseconds, limit.Current, error.Message), ct);
        }
        finally
        {
            wakeUps.ForEach(wakeUp => wakeUp.Dispose());
        }
    }

    private async Task<Pass> PassInTurnAsync(CancellationToken ct)
    {
        await turns.WaitAsync(ct);
        try
        {
            return await PassAsync(ct);
        }
        catch when (!ct.IsCancellationRequested)
        {
            limit.Failed();
            throw;
        }
        finally
        {
            turns.Release();
        }
    }

    private async Task<Pass> PassAsync(CancellationToken ct)
    {
        var result = Pass.Idle;
        foreach (var source in await news.SourcesAsync(ct))
        {
            var pass = await PassAsync(source, ct);
            if (pass is Pass.LayoutChanged or Pass.Busy)
                return pass;
            result = pass > result ? pass : result;
        }
        return result;
    }

    private async Task<Pass> PassAsync(string source, CancellationToken ct)
    {
        suspects.TryGetValue(source, out var suspect);
        await using var unit = new Unit<TContext>(module, signals);
        await unit.BeginAsync(ct);
        var rows = await Checkpoints.LockAsync(unit.Connection, database.Schema, subscription.Name, lane, subscription.Sources.Count, wait: false, ct);
        if (rows is null)
            return await LayoutIsAnotherAsync(unit, ct) ? Pass.LayoutChanged : Pass.Busy;
        var checkpoint = rows.First(row => row.Source == source);
        if (checkpoint.Lanes != lanes)
            return Pass.LayoutChanged;
        if (suspect is not null && checkpoint.Sequence >= suspect.Until)
        {
            suspects.Remove(source);
            suspect = null;
        }

        var started = Stopwatch.GetTimestamp();
        LogPage page;
        try
        {
            page = await ReadAsync(unit, source, checkpoint, suspect is null ? limit.Current : 1, ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return Pass.Idle; // the source was never started on its database: its log is empty
        }
        catch (LogDivergedException error)
        {
            if (stopped.Add(source))
                LogStopped(logger, subscription.Name, lane, error.Message);
            return Pass.Idle;
        }
        stopped.Remove(source);
        if (page.UpTo == checkpoint.Sequence)
            return checkpoint.HoldAt is null ? Pass.Idle : await FinishChangeAsync(unit, ct);
        if (!Defences.AtomicCheckpoint.On)
            await MoveAloneAsync(source, checkpoint.Sequence, page, unit, ct);
        try
        {
            await HandleAsync(page.Events, unit, ct);
            await unit.SaveAsync(ct);
        }
        catch (Exception error) when (page.Events.Count > 0 && !PostgresErrors.IsInfrastructure(error) && !ct.IsCancellationRequested)
        {
            await unit.RollbackAsync();
            if (!Defences.Parking.On)
                throw;
            await FailedAsync(source, checkpoint.Sequence, page, suspect, error, ct);
            return Pass.Worked;
        }
        finally
        {
            foreach (var e in page.Events)
                e.Activity?.Stop();
        }
        return await CommitAsync(unit, source, checkpoint.Sequence, page, started, ct);
    }

    /// <summary>Moves the checkpoint from where it stood, behind what the handler took, and commits that with the effects.</summary>
    private async Task<Pass> CommitAsync(Unit<TContext> unit, string source, long stood, LogPage page, long started, CancellationToken ct)
    {
        var (taken, upTo) = Taken(page, unit);
        var effect = taken > 0 && !unit.HasNoEffect;
        if (effect)
            FaultPoints.Reach("batch");
        if (Defences.AtomicCheckpoint.On
            && await Checkpoints.MoveAsync(unit.Connection, database.Schema, subscription.Name, lane, source, stood, upTo, page.Mark, ct, durable: effect) != 1)
            throw new InvalidOperationException($"The checkpoint of {subscription.Name} moved under its lock.");
        await unit.CommitAsync(ct);
        signals.Moved(subscription.Name);
        FaultPoints.Reach("after-batch");
        if (taken > 0)
        {
            limit.Succeeded();
            LogMetrics.Handled(subscription.Name, taken, Stopwatch.GetElapsedTime(started));
        }
        return effect || upTo < page.Head ? Pass.Worked : Pass.NoEffect;
    }

    /// <summary>How many events of the page the handler took, and where the checkpoint goes: to the end of what was looked at, or to the last event that was taken.</summary>
    private static (int Taken, long UpTo) Taken(LogPage page, Unit<TContext> unit) => unit.Taken switch
    {
        null => (page.Events.Count, page.UpTo),
        { } taken when taken == page.Events.Count => (taken, page.UpTo),
        { } taken when taken > 0 && taken < page.Events.Count => (taken, page.Events[taken - 1].Sequence),
        { } taken => throw new InvalidOperationException($"A handler cannot take {taken} of {page.Events.Count} events."),
    };

    private async Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<TContext> unit, CancellationToken ct)
    {
        if (events.Count == 0)
            return;
        if (LogMetrics.Activities.HasListeners())
        {
            foreach (var e in events)
                if (e.TraceParent is not null && ActivityContext.TryParse(e.TraceParent, null, isRemote: true, out var parent))
                    e.Activity = LogMetrics.Activities.StartActivity(subscription.Name, ActivityKind.Consumer, parent, [
                        new("boon.event.id", e.Id), new("boon.event.type", e.Type), new("boon.event.sequence", e.Sequence)]);
            Activity.Current = null;
        }
        await subscription.Handler(events, unit, ct);
    }

    /// <summary>A batch failed: from now on its events go one by one; an event that has failed often enough, alone, is parked and passed.</summary>
    private async Task FailedAsync(string source, long from, LogPage page, Suspect? suspect, Exception error, CancellationToken ct)
    {
        if (suspect is null && page.Events.Count > 1)
        {
            LogSplit(logger, subscription.Name, lane, page.Events.Count, error.Message);
            suspects[source] = new Suspect(page.UpTo, 0, 0);
            return;
        }
        var e = page.Events[0];
        var failures = suspect?.Sequence == e.Sequence ? suspect.Failures + 1 : 1;
        var until = Math.Max(suspect?.Until ?? 0, e.Sequence);
        if (failures < Attempts)
        {
            suspects[source] = new Suspect(until, e.Sequence, failures);
            return;
        }
        await using var unit = new Unit<TContext>(module, signals);
        await unit.BeginAsync(ct);
        var rows = await Checkpoints.LockAsync(unit.Connection, database.Schema, subscription.Name, lane, subscription.Sources.Count, wait: false, ct);
        if (rows?.First(row => row.Source == source).Sequence != from)
            return; // another reader has moved on
        await DeadLetters.ParkAsync(unit, subscription.Name, e, error, failures, ct);
        await Checkpoints.MoveAsync(unit.Connection, database.Schema, subscription.Name, lane, source, from, e.Sequence, page.Mark, ct);
        await unit.CommitAsync(ct);
        suspects[source] = new Suspect(until, 0, 0);
        LogMetrics.Parked(subscription.Name);
        LogParked(logger, error, subscription.Name, e.Type, e.Sequence, e.Id);
    }

    private Task<LogPage> ReadAsync(Unit<TContext> unit, string source, Checkpoint checkpoint, int limit, CancellationToken ct) =>
        databases.ReadAsync(unit.Connection, database, source, (connection, schema) => EventReader.ReadAsync(
            connection, schema, checkpoint.Sequence, limit, ct, lane, lanes, Math.Min(checkpoint.HoldAt ?? long.MaxValue, Furthest(checkpoint)), subscription.Types, Mark(source, checkpoint)), ct);

    /// <summary>The id of a log in the same database plays no role: both are restored as one.</summary>
    private LogMark Mark(string source, Checkpoint checkpoint) =>
        databases.AreTogether(database.Module, source) ? checkpoint.Mark with { LogId = null } : checkpoint.Mark;

    /// <summary>Who wants few of the events looks at a bounded number of them at a time, however long the log is.</summary>
    private long Furthest(Checkpoint checkpoint) => subscription.Types is null ? long.MaxValue : checkpoint.Sequence + EventReader.MostLookedAt;

    private async Task MoveAloneAsync(string source, long from, LogPage page, Unit<TContext> unit, CancellationToken ct)
    {
        await Checkpoints.MoveAsync(unit.Connection, database.Schema, subscription.Name, lane, source, from, page.UpTo, page.Mark, ct);
        await unit.CommitAsync(ct);
        await unit.BeginAsync(ct);
    }

    private async Task<Pass> FinishChangeAsync(Unit<TContext> unit, CancellationToken ct)
    {
        await unit.RollbackAsync();
        return await LaneLayout.TryFinishChangeAsync(database, subscription.Name, subscription.Sources, settings.Lanes, ct) ? Pass.LayoutChanged : Pass.NoEffect; // looks again soon: others are to reach their hold
    }

    /// <summary>Asked on the unit's own connection: who holds one and waits for another can wait for ever when all do.</summary>
    private async Task<bool> LayoutIsAnotherAsync(Unit<TContext> unit, CancellationToken ct)
    {
        await using var command = unit.Command(
            $"select not exists (select from {database.Schema}.checkpoints where subscription = $1 and lane = $2 and lanes = $3)", subscription.Name, lane, lanes);
        return await command.ExecuteScalarAsync(ct) is true;
    }

    [LoggerMessage(1, LogLevel.Warning, "{Subscription} lane {Lane} failed and tries again in {Delay} ms, with at most {Limit} events at a time: {Error}", EventName = "batch-retried")]
    private static partial void LogRetry(ILogger logger, string subscription, int lane, double delay, int limit, string error);

    [LoggerMessage(2, LogLevel.Warning, "{Subscription} lane {Lane}: a batch of {Count} failed and is run again event by event: {Error}", EventName = "batch-split")]
    private static partial void LogSplit(ILogger logger, string subscription, int lane, int count, string error);

    [LoggerMessage(4, LogLevel.Error, "{Subscription} lane {Lane} has stopped. {Reason}", EventName = "log-diverged")]
    private static partial void LogStopped(ILogger logger, string subscription, int lane, string reason);

    [LoggerMessage(3, LogLevel.Error, "{Subscription} parked {Type} (sequence {Sequence}, id {Id}); see boon dead-letters list", EventName = "event-parked")]
    private static partial void LogParked(ILogger logger, Exception error, string subscription, string type, long sequence, Guid id);
}
