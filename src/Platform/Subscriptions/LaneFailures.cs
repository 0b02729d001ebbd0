using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// What has failed in a lane. The events of a batch that failed go one by one; an event that has failed often enough, alone, is parked and
/// passed.
/// </summary>
internal sealed partial class LaneFailures<TContext>(Lane<TContext> lane)
    where TContext : DbContext
{
    /// <summary>An event that fails this often, alone, is parked.</summary>
    internal const int Attempts = 3;

    private readonly Dictionary<string, Suspect> suspects = new(StringComparer.Ordinal);

    /// <summary>
    /// Where a batch failed: up to <paramref name="Until"/> events are handled one by one; <paramref name="Failures"/> counts those of
    /// event <paramref name="Sequence"/>.
    /// </summary>
    private sealed record Suspect(long Until, long Sequence, int Failures);

    /// <summary>True while the lane has not passed what failed in a source.</summary>
    internal bool GoOneByOne(Checkpoint checkpoint)
    {
        if (!suspects.TryGetValue(checkpoint.Source, out var suspect))
            return false;
        if (checkpoint.Sequence < suspect.Until)
            return true;
        suspects.Remove(checkpoint.Source);
        return false;
    }

    /// <summary>Takes note of a batch that failed, and was rolled back; parks its event if that was its last attempt.</summary>
    internal async Task AddAsync(Checkpoint checkpoint, LogPage page, Exception error, CancellationToken ct)
    {
        var suspect = suspects.GetValueOrDefault(checkpoint.Source);
        if (suspect is null && page.Events.Count > 1)
        {
            LogSplit(lane.Logger, lane.Subscription.Name, lane.Number, page.Events.Count, error.Message);
            suspects[checkpoint.Source] = new Suspect(page.UpTo, 0, 0);
            return;
        }
        var e = page.Events[0];
        var failures = suspect?.Sequence == e.Sequence ? suspect.Failures + 1 : 1;
        var until = Math.Max(suspect?.Until ?? 0, e.Sequence);
        if (failures < Attempts)
            suspects[checkpoint.Source] = new Suspect(until, e.Sequence, failures);
        else if (await TryParkAsync(checkpoint, e, page.Mark, error, ct))
            suspects[checkpoint.Source] = new Suspect(until, 0, 0);
    }

    /// <summary>
    /// Parks an event and moves the checkpoint behind it; false when another reader has moved on meanwhile, or the lanes were laid anew or
    /// held: then the event may be another lane's, or this one has to stop before it.
    /// </summary>
    private async Task<bool> TryParkAsync(Checkpoint checkpoint, LoggedEvent e, LogMark mark, Exception error, CancellationToken ct)
    {
        await using var unit = new Unit<TContext>(lane.Module, lane.Signals);
        await unit.BeginAsync(ct);
        var rows = await Checkpoints.LockAsync(unit.Connection, lane.Key, lane.Subscription.Sources, wait: false, ct);
        if (rows?.First(row => row.Source == checkpoint.Source) is not { } now
            || (now.Sequence, now.Lanes, now.HoldAt) != (checkpoint.Sequence, checkpoint.Lanes, checkpoint.HoldAt))
            return false;
        await DeadLetters.ParkAsync(unit, lane.Subscription.Name, e, error, Attempts, ct);
        await Checkpoints.MoveAsync(unit.Connection, lane.Key, checkpoint, e.Sequence, mark, ct);
        await unit.CommitAsync(ct);
        LogMetrics.Parked(lane.Subscription.Name);
        LogParked(lane.Logger, error, lane.Subscription.Name, e.Type, e.Sequence, e.Id);
        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "{Subscription} lane {Lane}: a batch of {Count} failed and is run again event by event: {Error}",
        EventName = "batch-split")]
    private static partial void LogSplit(ILogger logger, string subscription, int lane, int count, string error);

    [LoggerMessage(2, LogLevel.Error, "{Subscription} parked {Type} (sequence {Sequence}, id {Id}); see boon dead-letters list",
        EventName = "event-parked")]
    private static partial void LogParked(ILogger logger, Exception error, string subscription, string type, long sequence, Guid id);
}
