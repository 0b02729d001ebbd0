namespace Boon.Platform.Data;

/// <summary>One waiter's wake-up: any number of sets before a wait count as one.</summary>
public sealed class WakeSignal : IDisposable
{
    /// <summary>How often something is tried again that is known to be there and could not be had yet.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long who waits for a log rests without a wake-up (with a jitter of a fifth, so that processes spread out). The safety net is the
    /// look that each process takes at all logs once a second; this is for when not even that is possible.
    /// </summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim semaphore = new(0, 1);

    /// <summary>Wakes the waiter.</summary>
    public void Set()
    {
        if (semaphore.CurrentCount > 0)
            return;
        try
        {
            semaphore.Release();
        }
        catch (SemaphoreFullException)
        {
            // Two sets at once: one wake-up is what both mean.
        }
        catch (ObjectDisposedException)
        {
            // The waiter has just stopped.
        }
    }

    /// <summary>Waits for a wake-up, or so long; true when it came.</summary>
    public Task<bool> WaitAsync(TimeSpan longest, CancellationToken ct) => semaphore.WaitAsync(longest, ct);

    /// <summary>Waits for a wake-up.</summary>
    public Task WaitAsync(CancellationToken ct) => semaphore.WaitAsync(Backoff.Jittered(Rest), ct);

    /// <inheritdoc/>
    public void Dispose() => semaphore.Dispose();
}
