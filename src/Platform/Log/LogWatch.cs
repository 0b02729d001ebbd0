using Boon.Platform.Data;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Log;

/// <summary>
/// Wakes those who wait in this process for something to happen to one thing, such as an order: reads each new event of a log once for all
/// of them, so that nobody looks in vain. While nobody waits it reads nothing.
/// </summary>
public sealed partial class LogWatch(IEnumerable<HostedModule> modules, LogSignals signals, ILogger<LogWatch> logger) : BackgroundService
{
    /// <summary>Events read in one statement.</summary>
    private const int Most = 1_000;

    private readonly Dictionary<string, Dictionary<string, List<Waiter>>> waiting = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    /// <summary>
    /// Sets <paramref name="signal"/> when a module's log has a new event of this aggregate and one of these types, until the answer is
    /// disposed.
    /// </summary>
    public IDisposable On(string module, string aggregateId, string[] types, WakeSignal signal)
    {
        Waiter? waiter = null;
        waiter = new Waiter(types, signal, () =>
        {
            lock (gate)
                if (waiting[module].TryGetValue(aggregateId, out var all) && all.Remove(waiter!) && all.Count == 0)
                    waiting[module].Remove(aggregateId);
        });
        lock (gate)
        {
            if (!waiting.TryGetValue(module, out var here))
                waiting[module] = here = new(StringComparer.Ordinal);
            if (!here.TryGetValue(aggregateId, out var all))
                here[aggregateId] = all = [];
            all.Add(waiter);
        }
        return waiter;
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(modules.Select(module => WatchAsync(module.Database, stoppingToken)));

    private async Task WatchAsync(ModuleDatabase database, CancellationToken ct)
    {
        using var wake = new WakeSignal();
        using var sequenced = signals.OnSequenced(database.Module, wake);
        // Null: somewhere behind; whoever waits looks again, then every event counts.
        long? at = null;
        await database.Loops.OnWakeAsync(wake, WatchAsync, error => LogFailed(logger, database.Module, error.Message), ct);

        async Task WatchAsync()
        {
            var from = at;
            at = null; // after a read that fails
            at = IsAwaited(database.Module) ? await ReadAsync(database, from, ct) : null;
        }
    }

    private async Task<long> ReadAsync(ModuleDatabase database, long? after, CancellationToken ct)
    {
        if (after is not { } at)
        {
            at = await EventReader.HeadAsync(database.Background, database.Schema, ct);
            WakeAll(database.Module);
            return at;
        }
        while (true)
        {
            var read = 0;
            await database.Background.Command($"""
                select o.sequence, l.aggregateid, l.type
                from {database.Schema}.event_order o
                cross join lateral (
                    select aggregateid, type
                    from {database.Schema}.event_log e
                    where e.position = o.position
                    offset 0) l
                where o.sequence > $1
                order by o.sequence
                limit {Most}
                """, at)
                .ReadEachAsync(row =>
                {
                    at = row.GetInt64(0);
                    Wake(database.Module, row.GetString(1), row.GetString(2));
                    read++;
                }, ct);
            if (read < Most)
                return at;
        }
    }

    private bool IsAwaited(string module)
    {
        lock (gate)
            return waiting.GetValueOrDefault(module)?.Count > 0;
    }

    private void Wake(string module, string aggregateId, string type)
    {
        lock (gate)
            foreach (var waiter in waiting.GetValueOrDefault(module)?.GetValueOrDefault(aggregateId) ?? [])
                if (waiter.Types.Contains(type))
                    waiter.Signal.Set();
    }

    private void WakeAll(string module)
    {
        lock (gate)
            foreach (var waiter in waiting.GetValueOrDefault(module)?.Values.SelectMany(all => all) ?? [])
                waiter.Signal.Set();
    }

    private sealed class Waiter(string[] types, WakeSignal signal, Action end) : IDisposable
    {
        internal string[] Types => types;

        internal WakeSignal Signal => signal;

        public void Dispose() => end();
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Could not read the log of {Module} for waiting requests; they look at intervals until it can be read: {Error}",
        EventName = "watch-failed")]
    private static partial void LogFailed(ILogger logger, string module, string error);
}
