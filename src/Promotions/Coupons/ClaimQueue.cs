using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;

namespace Boon.Promotions.Coupons;

/// <summary>
/// Brings together claims that arrive in the same instant: one worker for each coupon type takes what waits and answers all of it with one transaction, so that
/// many claims share one commit. Nobody waits for company: a claim that comes alone is a batch of one.
/// </summary>
internal sealed class ClaimQueue(ModuleDatabase<PromotionsDb> module, LogSignals signals, ClaimPacer pacer) : IAsyncDisposable
{
    /// <summary>Claims in one transaction.</summary>
    private const int LargestBatch = 512;

    /// <summary>Claims of one type that wait in this process; beyond that they are refused for the moment.</summary>
    private const int LongestQueue = 20_000;

    private sealed record Waiting(ClaimWish Wish, TaskCompletionSource<ClaimResult> Answer);

    private sealed record Worker(Channel<Waiting> Channel, Task Running);

    private readonly ConcurrentDictionary<string, Lazy<Worker>> workers = new(StringComparer.Ordinal);

    /// <summary>Answers a claim once it is committed; null when too many wait already.</summary>
    internal async Task<ClaimResult?> ClaimAsync(string type, Guid userId, CancellationToken ct)
    {
        if (!workers.TryGetValue(type, out var worker))
        {
            // Types are never deleted, so one that was seen once needs no second look, and unknown names get no worker.
            if (!await ExistsAsync(type, ct))
                return new ClaimResult(ClaimAnswer.UnknownType, null);
            worker = workers.GetOrAdd(type, name => new Lazy<Worker>(() =>
            {
                var channel = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(LongestQueue) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
                return new Worker(channel, WorkAsync(name, channel.Reader));
            }));
        }
        var waiting = new Waiting(new ClaimWish(userId, Activity.Current?.Id), new(TaskCreationOptions.RunContinuationsAsynchronously));
        return worker.Value.Channel.Writer.TryWrite(waiting) ? await waiting.Answer.Task : null;
    }

    /// <summary>Logs that a queue was full, for a claim whose own transaction leaves no trace.</summary>
    internal async Task LogFullAsync(string type, Guid userId, CancellationToken ct)
    {
        await using var unit = new Unit<PromotionsDb>(module, signals);
        await unit.BeginAsync(ct);
        unit.By = Actor.Member(userId);
        unit.Append(new ClaimRefused(null, userId, ClaimBatch.NameOf(type), "queue-full"));
        await unit.CommitAsync(ct);
    }

    private async Task<bool> ExistsAsync(string type, CancellationToken ct)
    {
        await using var command = module.Database.Source.CreateCommand("select exists (select from promotions.coupon_types where name = $1)");
        command.Parameters.Add(new() { Value = type });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private async Task WorkAsync(string type, ChannelReader<Waiting> channel)
    {
        var batch = new List<Waiting>(LargestBatch);
        while (await channel.WaitToReadAsync(CancellationToken.None))
        {
            batch.Clear();
            while (batch.Count < LargestBatch && channel.TryRead(out var waiting))
                batch.Add(waiting);
            try
            {
                await RunAsync(type, batch);
            }
            catch (Exception error)
            {
                foreach (var waiting in batch)
                    waiting.Answer.TrySetException(error);
            }
        }
    }

    private async Task RunAsync(string type, List<Waiting> batch)
    {
        await using var unit = new Unit<PromotionsDb>(module, signals);
        await unit.BeginAsync(CancellationToken.None);
        var results = await ClaimBatch.RunAsync(unit, type, batch.ConvertAll(waiting => waiting.Wish), CancellationToken.None);
        if (!PromotionsDefences.DurableReply)
        {
            Answer(batch, results);
            await Task.Delay(PromotionsDefences.WriteBehind);
        }
        await unit.CommitAsync(CancellationToken.None);
        ClaimMetrics.Batch(type, results);
        if (results.Any(result => result.Answer == ClaimAnswer.Queued))
            pacer.Wake();
        Answer(batch, results);
    }

    private static void Answer(List<Waiting> batch, ClaimResult[] results)
    {
        for (var i = 0; i < results.Length; i++)
            batch[i].Answer.TrySetResult(results[i]);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers.Values)
            worker.Value.Channel.Writer.TryComplete();
        await Task.WhenAll(workers.Values.Select(worker => worker.Value.Running));
    }
}
