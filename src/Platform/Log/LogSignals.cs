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

    /// <summary>
    /// Raised with the module's name when this process gave numbers to its events, or received some, with the pool of the database where
    /// they now are.
    /// </summary>
    internal Action<string, NpgsqlDataSource>? SequencedHere { get; set; }

    /// <summary>Events of a module were committed and wait for their numbers.</summary>
    public void Appended(string module) => Wake(sequencers, module);

    /// <summary>Events of a module got their numbers, in this process or another.</summary>
    internal void Sequenced(string module) => Wake(readers, module);

    /// <summary>The same, done by this process: others learn it over the database.</summary>
    public void Sequenced(string module, NpgsqlDataSource background)
    {
        Wake(readers, module);
        SequencedHere?.Invoke(module, background);
    }

    /// <summary>This process moved a checkpoint of a subscription.</summary>
    internal void Moved(string subscription) => Wake(checkpoints, subscription);

    /// <summary>
    /// Sets <paramref name="signal"/> whenever this process moved a checkpoint of a subscription, until the answer is disposed.
    /// </summary>
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

    private static Subscription Subscribe(
        ConcurrentDictionary<string, ConcurrentDictionary<WakeSignal, byte>> table, string module, WakeSignal signal)
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
