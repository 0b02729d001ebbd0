using System.Collections.Concurrent;
using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// Wake-ups inside the process: a commit that appended wakes the module's sequencer; numbers that were given wake the readers of that
/// module's log, here at once and in other processes through <see cref="LogNotifications"/>. A lost wake-up costs one look.
/// </summary>
public sealed class LogSignals
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> sequencers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> readers = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> checkpoints = new(StringComparer.Ordinal);

    /// <summary>Raised with the module's name when this process gave numbers to its events.</summary>
    internal Action<string>? SequencedHere { get; set; }

    /// <summary>Events of a module were committed and wait for their numbers.</summary>
    public void Appended(string module) => Wake(sequencers, module);

    /// <summary>Events of a module got their numbers, in this process or another.</summary>
    internal void Sequenced(string module, bool here)
    {
        Wake(readers, module);
        if (here)
            SequencedHere?.Invoke(module);
    }

    /// <summary>This process moved a checkpoint of a subscription.</summary>
    internal void Moved(string subscription) => Wake(checkpoints, subscription);

    /// <summary>Sets <paramref name="signal"/> whenever this process moved a checkpoint of a subscription, until the answer is disposed.</summary>
    internal IDisposable OnMoved(string subscription, WakeSignal signal) => Subscribe(checkpoints, subscription, signal);

    /// <summary>Something may have been missed (a listener reconnected): wakes everyone.</summary>
    internal void Everything()
    {
        foreach (var module in sequencers.Keys)
            Wake(sequencers, module);
        foreach (var module in readers.Keys)
            Wake(readers, module);
    }

    internal IDisposable OnAppended(string module, WakeSignal signal) => Subscribe(sequencers, module, signal);

    /// <summary>Sets <paramref name="signal"/> whenever events of a module got their numbers, until the answer is disposed.</summary>
    public IDisposable OnSequenced(string module, WakeSignal signal) => Subscribe(readers, module, signal);

    private static Subscription Subscribe(ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> table, string module, WakeSignal signal)
    {
        var signals = table.GetOrAdd(module, _ => new());
        signals[signal] = 0;
        return new Subscription(() => signals.TryRemove(signal, out _));
    }

    private static void Wake(ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> table, string module)
    {
        if (table.TryGetValue(module, out var signals))
            foreach (var (signal, _) in signals)
                signal.Set();
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

/// <summary>One waiter's wake-up: any number of sets before a wait count as one.</summary>
public sealed class WakeSignal : IDisposable
{
    /// <summary>How often something is tried again that is known to be there and could not be had yet.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long who waits for a log rests without a wake-up (with a jitter of a fifth, so that processes spread out). The safety net is
    /// <see cref="LogNotifications.LookInterval"/>: one look for all of them; this is for when not even that is possible.
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

    /// <summary>Waits for a wake-up, or so long.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken ct) => semaphore.WaitAsync(longest, ct);

    /// <summary>Waits for a wake-up.</summary>
    public Task WaitAsync(CancellationToken ct) => semaphore.WaitAsync(Backoff.Jittered(Rest), ct);

    /// <inheritdoc/>
    public void Dispose() => semaphore.Dispose();
}
