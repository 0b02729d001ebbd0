using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Boon.Promotions.Claims;

/// <summary>
/// Brings together claims that arrive in the same instant: one worker for each coupon type takes what waits and answers all of it with one
/// transaction, so that many claims share one commit. Nobody waits for company: a claim that comes alone is a batch of one.
/// </summary>
internal sealed class ClaimQueue(ModuleDatabase<PromotionsDb> module, LogSignals signals, ClaimPacer pacer) : IAsyncDisposable
{
    /// <summary>Claims in one transaction.</summary>
    private const int LargestBatch = 512;

    /// <summary>Claims of one type that wait in this process; beyond that they are refused for the moment.</summary>
    private const int LongestQueue = 20_000;

    private sealed record Waiting(ClaimWish Wish, TaskCompletionSource<ClaimResult> Answer);

    private sealed record Worker(Channel<Waiting> Channel, Task Loop);

    private readonly ConcurrentDictionary<string, Lazy<Worker>> workers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string, string, string), byte> keysInFlight = new();

    /// <summary>
    /// True for the name of a type. Types are never deleted, so one that was seen once needs no second look, and unknown names get no
    /// worker.
    /// </summary>
    internal async ValueTask<bool> KnowsAsync(string type, CancellationToken ct) =>
        workers.ContainsKey(type)
        || await module.Command("select exists (select from promotions.coupon_types where name = $1)", type).ScalarAsync<bool>(ct);

    /// <summary>
    /// Answers a claim of a known type once it is committed; null when too many wait already. Who waits holds no connection.
    /// </summary>
    internal async Task<ClaimResult?> ClaimAsync(string type, ClaimWish wish)
    {
        if (wish.Key is not null && !keysInFlight.TryAdd(wish.Key.Id, 0))
            return InFlight;
        try
        {
            var waiting = new Waiting(wish, new(TaskCreationOptions.RunContinuationsAsynchronously));
            if (wish.Key is not null && !PromotionsDefences.CoalescedKeys.On)
                await RunAsync(type, [waiting]);
            else if (!workers.GetOrAdd(type, name => new Lazy<Worker>(() => Start(name))).Value.Channel.Writer.TryWrite(waiting))
                return null;
            return await waiting.Answer.Task;
        }
        finally
        {
            if (wish.Key is not null)
                keysInFlight.TryRemove(wish.Key.Id, out _);
        }
    }

    private static ClaimResult InFlight => new(ClaimAnswer.Repeated, null, new IdempotencyException(IdempotencyException.InFlight));

    private Worker Start(string type)
    {
        var channel = Channel.CreateBounded<Waiting>(
            new BoundedChannelOptions(LongestQueue) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        // A worker serves many requests, so it has the trace and the culture of none.
        using (ExecutionContext.SuppressFlow())
            return new Worker(channel, WorkAsync(type, channel.Reader));
    }

    private async Task WorkAsync(string type, ChannelReader<Waiting> channel)
    {
        var batch = new List<Waiting>(LargestBatch);
        while (await channel.WaitToReadAsync(CancellationToken.None))
        {
            batch.Clear();
            var keys = 0;
            while (batch.Count < LargestBatch && keys < IdempotencyKeys.MostInTransaction && channel.TryRead(out var waiting))
            {
                batch.Add(waiting);
                keys += waiting.Wish.Key is null ? 0 : 1;
            }
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

    /// <summary>Answers a batch with one transaction.</summary>
    private async Task RunAsync(string type, List<Waiting> batch)
    {
        await using var unit = new Unit<PromotionsDb>(module, signals);
        await unit.BeginAsync(CancellationToken.None);
        var results = await ClaimBatch.RunAsync(unit, type, batch.ConvertAll(waiting => waiting.Wish), CancellationToken.None);
        if (!PromotionsDefences.DurableReply.On)
        {
            Answer(batch, results);
            await Task.Delay(PromotionsDefences.WriteBehind);
        }
        await unit.CommitAsync(CancellationToken.None);
        ClaimMetrics.Batch(type, results);
        if (results.Any(result => result.Answer == ClaimAnswer.Queued))
            pacer.Wake(type);
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
        await Task.WhenAll(workers.Values.Select(worker => worker.Value.Loop));
    }
}
