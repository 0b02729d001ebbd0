using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Services;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Subscriptions;

/// <summary>Waits until a subscription has handled all that was committed before the wait began.</summary>
public sealed class LogCatchUp(
    IEnumerable<SubscriptionRunner> subscriptions, LogBarrier barrier, LogSignals signals, IHostApplicationLifetime lifetime,
    TimeProvider time)
{
    /// <summary>
    /// Where another process moves a checkpoint and nothing follows from it, nothing tells: the first two looks are so far apart, and later
    /// ones farther.
    /// </summary>
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Waits for each subscription in turn, <paramref name="longest"/> in all. Where one waits for another, name them in the order in which
    /// events go: each has then handled what the one before it appended. True when all of it was handled.
    /// </summary>
    public async Task<bool> WaitAsync(IReadOnlyList<string> names, TimeSpan longest, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, lifetime.ApplicationStopping);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, longest, Timeout.InfiniteTimeSpan);
        try
        {
            foreach (var name in names)
                await WaitAsync(subscriptions.Single(subscription => subscription.Name == name), limit.Token);
            return true;
        }
        catch (Exception error) when (error is OperationCanceledException or TimeoutException or SourceUnreachableException
            && !ct.IsCancellationRequested)
        {
            return false; // as long as the caller wanted: what is there is the answer
        }
    }

    private async Task WaitAsync(SubscriptionRunner subscription, CancellationToken ct)
    {
        // Listening before the first look, so that nothing falls between the two.
        using var wake = new WakeSignal();
        using var moved = signals.OnMoved(subscription.Name, wake);
        using var elsewhere = signals.OnSequenced(subscription.Database.Module, wake);
        var heads = await barrier.SettledHeadsAsync(subscription.Database.Module, subscription.Sources, ct);
        var pauses = new Backoff(FirstLook, WakeSignal.Poll);
        while (!await HasReadAsync(subscription, heads, ct))
            await wake.WaitAsync(pauses.Next(), ct);
    }

    /// <summary>True when every lane stands there.</summary>
    private static async Task<bool> HasReadAsync(
        SubscriptionRunner subscription, IReadOnlyDictionary<string, long> heads, CancellationToken ct)
    {
        var behind = new Dictionary<string, long>(heads, StringComparer.Ordinal);
        await subscription.Database.Command($"""
            select source, min(sequence)
            from {subscription.Database.Schema}.checkpoints
            where subscription = $1
            group by source
            """, subscription.Name)
            .ReadEachAsync(row =>
            {
                if (heads.TryGetValue(row.GetString(0), out var head) && row.GetInt64(1) >= head)
                    behind.Remove(row.GetString(0));
            }, ct);
        return behind.Values.All(head => head == 0);
    }
}
