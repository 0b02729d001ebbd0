using System.Collections.Concurrent;
using Boon.Platform.Data;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Log;

/// <summary>
/// Wake-ups between processes: after numbers were given, <c>NOTIFY boon_log, 'module'</c> in a statement of its own, at most once in
/// 10 ms (inside every transaction it would cost three quarters of the throughput); one connection for each database listens.
/// <para>
/// The same connection looks now and then whether a log has gone on although nobody said so, for all who wait for one in this process: what
/// a lost wake-up left is found there, and so is a connection that has died without a word.
/// </para>
/// </summary>
internal sealed partial class LogNotifications(
    Databases databases, LogPlaces places, LogSignals signals, TimeProvider time, ILogger<LogNotifications> logger) : BackgroundService
{
    internal const string Channel = "boon_log";
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>From one look to the next: what a lost wake-up costs at most.</summary>
    internal static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>A look that takes longer, in seconds, was sent into a connection that has died.</summary>
    private const int LongestLook = 10;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var senders = databases.BackgroundPools.Select(pool => new Sender(pool)).ToList();
        signals.SequencedHere = (module, pool) =>
        {
            var sender = senders.Find(one => one.Pool == pool);
            sender?.Changed.TryAdd(module, 0);
            sender?.Wake.Set();
        };
        await Task.WhenAll([.. senders.Select(sender => SendAsync(sender, stoppingToken)),
            .. senders.Select(sender => ListenAsync(sender.Pool, stoppingToken))]);
        senders.ForEach(sender => sender.Wake.Dispose());
    }

    /// <summary>What is to be said on one database: one that is away delays no other.</summary>
    private sealed record Sender(NpgsqlDataSource Pool)
    {
        internal ConcurrentDictionary<string, byte> Changed { get; } = new(StringComparer.Ordinal);

        internal WakeSignal Wake { get; } = new();
    }

    /// <summary>What could not be said, readers in other processes find at their next look.</summary>
    private Task SendAsync(Sender sender, CancellationToken ct) => databases.LoopsOf(sender.Pool).OnWakeAsync(
        sender.Wake,
        async () =>
        {
            foreach (var module in sender.Changed.Keys)
            {
                sender.Changed.TryRemove(module, out _);
                await sender.Pool.Command("select pg_notify($1, $2)", Channel, module).ExecuteAsync(ct);
            }
            await Task.Delay(ShortestInterval, time, ct);
        },
        error => LogNotifyFailed(logger, error.Message), ct);

    private async Task ListenAsync(NpgsqlDataSource pool, CancellationToken ct)
    {
        Listener? listener = null;
        await databases.LoopsOf(pool).RepeatAsync(ListenAsync, (error, _) => LogListenFailed(logger, error.Message), ct);
        if (listener is not null)
            await listener.DisposeAsync();

        async Task ListenAsync()
        {
            try
            {
                listener ??= await Listener.OpenAsync(databases, places, pool, signals, time, ct);
                await listener.WaitOrLookAsync(ct);
            }
            catch when (!ct.IsCancellationRequested)
            {
                if (listener is not null)
                    await listener.DisposeAsync();
                listener = null;
                databases.ListenerBroke(pool);
                throw;
            }
        }
    }

    /// <summary>The connection that listens.</summary>
    private sealed class Listener(NpgsqlConnection connection, LogLook look, LogSignals signals, TimeProvider time) : IAsyncDisposable
    {
        private long looked = time.GetTimestamp();

        internal static async Task<Listener> OpenAsync(
            Databases databases, LogPlaces places, NpgsqlDataSource pool, LogSignals signals, TimeProvider time,
            CancellationToken ct)
        {
            var connection = await pool.OpenConnectionAsync(ct);
            try
            {
                connection.Notification += (_, notification) => signals.Sequenced(notification.Payload);
                await connection.Command($"listen {Channel}").ExecuteAsync(ct);
                signals.Everything();
                return new Listener(connection, new LogLook(databases, places, pool), signals, time);
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }

        /// <summary>Waits for a notification, or looks when it is time.</summary>
        internal async Task WaitOrLookAsync(CancellationToken ct)
        {
            var rest = LookInterval - time.GetElapsedTime(looked);
            if (rest > TimeSpan.Zero && await connection.WaitAsync(rest, ct))
                return;
            await look.RunAsync(connection, signals, LongestLook, ct);
            looked = time.GetTimestamp();
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not notify other processes; they will find the events when they look next: {Error}",
        EventName = "notify-failed")]
    private static partial void LogNotifyFailed(ILogger logger, string error);

    [LoggerMessage(2, LogLevel.Warning, "The listening connection broke; looking for events at intervals until it is back: {Error}",
        EventName = "listen-failed")]
    private static partial void LogListenFailed(ILogger logger, string error);
}
