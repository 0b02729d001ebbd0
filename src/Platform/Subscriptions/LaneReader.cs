using Boon.Platform.Data;

namespace Boon.Platform.Subscriptions;

/// <summary>How a lane's look at its sources ended.</summary>
internal enum LanePass
{
    /// <summary>There was nothing to read.</summary>
    Idle,

    /// <summary>What was read meant nothing to the handler.</summary>
    NoEffect,

    /// <summary>Something was done, and there may be more.</summary>
    Worked,

    /// <summary>Another reader has the lane.</summary>
    Busy,

    /// <summary>The subscription has another number of lanes now.</summary>
    LayoutChanged,
}

/// <summary>
/// Reads one lane of one subscription: looks which sources have news, runs batch after batch (<see cref="LaneBatches{TContext}"/>), and
/// rests when there is nothing to do.
/// </summary>
internal sealed partial class LaneReader<TContext>(Lane<TContext> lane, SemaphoreSlim turns)
    where TContext : DbContext
{
    /// <summary>
    /// From a batch that meant nothing, at the end of the log, to the next look; doubles while nothing means anything: who reads much that
    /// is not for it reads it in larger pieces.
    /// </summary>
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(80);

    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(100);

    private readonly LaneNews news = new(lane.Key, lane.Count, [.. lane.Subscription.Sources.Select(lane.PlaceOf)], lane.Database);
    private readonly BatchLimit limit = new(lane.Settings.BatchSize);

    /// <summary>Reads until <paramref name="layout"/> is cancelled; cancels it when the layout of lanes is another one.</summary>
    internal async Task RunAsync(CancellationTokenSource layout)
    {
        var ct = layout.Token;
        var batches = new LaneBatches<TContext>(lane, limit);
        using var wake = new WakeSignal();
        var wakeUps = lane.Subscription.Sources.Select(source => lane.Signals.OnSequenced(source, wake)).ToList();
        try
        {
            var rest = new Backoff(ShortestRest, LongestRest);
            await lane.Database.Loops.RepeatAsync(
                async () =>
                {
                    var pass = await PassInTurnAsync(batches, ct);
                    if (pass != LanePass.NoEffect)
                        rest.Reset();
                    await (pass switch
                    {
                        LanePass.LayoutChanged => layout.CancelAsync(),
                        LanePass.Busy => wake.WaitAsync(Backoff.Jittered(BusyDelay), ct),
                        LanePass.Idle => wake.WaitAsync(ct),
                        LanePass.NoEffect => Task.Delay(rest.Next(), ct),
                        _ => Task.CompletedTask,
                    });
                },
                (error, pause) => LogRetry(
                    lane.Logger, lane.Subscription.Name, lane.Number, pause.TotalMilliseconds, limit.Current, error.Message), ct);
        }
        finally
        {
            wakeUps.ForEach(wakeUp => wakeUp.Dispose());
        }
    }

    private async Task<LanePass> PassInTurnAsync(LaneBatches<TContext> batches, CancellationToken ct)
    {
        await turns.WaitAsync(ct);
        try
        {
            return await PassAsync(batches, ct);
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

    private async Task<LanePass> PassAsync(LaneBatches<TContext> batches, CancellationToken ct)
    {
        var result = LanePass.Idle;
        foreach (var source in await news.SourcesAsync(ct))
        {
            var pass = await batches.RunAsync(source, ct);
            if (pass is LanePass.LayoutChanged or LanePass.Busy)
                return pass;
            result = pass > result ? pass : result;
        }
        return result;
    }

    [LoggerMessage(1, LogLevel.Warning,
        "{Subscription} lane {Lane} failed and tries again in {Delay} ms, with at most {Limit} events at a time: {Error}",
        EventName = "batch-retried")]
    private static partial void LogRetry(ILogger logger, string subscription, int lane, double delay, int limit, string error);
}
