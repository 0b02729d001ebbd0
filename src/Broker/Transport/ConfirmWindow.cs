namespace Boon.Broker.Transport;

/// <summary>How many messages of a publisher are under way: published, and not confirmed yet.</summary>
internal sealed class ConfirmWindow(LinkState state, TimeSpan limit) : IDisposable
{
    /// <summary>More bring nothing: measured in ADR 0049.</summary>
    internal const int MostUnderWay = 1_024;

    private readonly SemaphoreSlim places = new(MostUnderWay);

    /// <summary>Some were confirmed.</summary>
    internal void Free(int confirmed)
    {
        try
        {
            if (confirmed > 0)
                places.Release(confirmed);
        }
        catch (ObjectDisposedException)
        {
            // A confirmation for one who has gone.
        }
    }

    /// <summary>Publishes one after the other, and waits until all are confirmed.</summary>
    internal async Task PublishAsync(IReadOnlyList<LogMessage> messages, Func<LogMessage, Task> publish, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, state.Broken);
        try
        {
            foreach (var message in messages)
            {
                await PlaceAsync(stop.Token);
                await publish(message);
            }
            // When all places are free again, everything is confirmed.
            for (var i = 0; i < MostUnderWay; i++)
                await PlaceAsync(stop.Token);
            places.Release(MostUnderWay);
        }
        catch (OperationCanceledException)
        {
            state.Break("publishing was given up");
            ct.ThrowIfCancellationRequested();
            throw state.Failure();
        }
    }

    private async Task PlaceAsync(CancellationToken stop)
    {
        if (await places.WaitAsync(limit, stop))
            return;
        state.Break($"it confirmed nothing for {limit.TotalSeconds} s");
        throw state.Failure();
    }

    public void Dispose() => places.Dispose();
}
