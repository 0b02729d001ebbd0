using System.Collections.Concurrent;
using Boon.Platform.Data;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Log;

/// <summary>
/// Wake-ups between processes: after numbers were given, <c>NOTIFY boon_log, 'module'</c> in a statement of its own, at most once in
/// 10 ms (inside every transaction it would cost three quarters of the throughput); one connection for each database listens.
/// <para>
/// The same connection looks now and then whether a log has gone on although nobody said so, for all who wait for one in this process: what a lost wake-up left
/// is found there, and so is a connection that has died without a word.
/// </para>
/// </summary>
internal sealed partial class LogNotifications(Databases databases, LogSignals signals, TimeProvider time, ILogger<LogNotifications> logger) : BackgroundService
{
    internal const string Channel = "boon_log";
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>From one look to the next: what a lost wake-up costs at most.</summary>
    internal static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>A look that takes longer, in seconds, was sent into a connection that has died.</summary>
    private const int LongestLook = 10;

    private readonly ConcurrentDictionary<string, byte> changed = new(StringComparer.Ordinal);
    private readonly WakeSignal wake = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        signals.SequencedHere = module =>
        {
            changed[module] = 0;
            wake.Set();
        };
        return Task.WhenAll([SendAsync(stoppingToken), .. databases.BackgroundPools.Select(pool => ListenAsync(pool, stoppingToken))]);
    }

    private async Task SendAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await wake.WaitAsync(Timeout.InfiniteTimeSpan, ct);
                foreach (var module in changed.Keys)
                {
                    changed.TryRemove(module, out _);
                    await using var command = databases.Of(module).Background.CreateCommand("select pg_notify($1, $2)");
                    command.Parameters.Add(new() { Value = Channel });
                    command.Parameters.Add(new() { Value = module });
                    await command.ExecuteNonQueryAsync(ct);
                }
                await Task.Delay(ShortestInterval, time, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // Readers in other processes find the events at their next poll.
                LogNotifyFailed(logger, error.Message);
            }
        }
    }

    private async Task ListenAsync(NpgsqlDataSource pool, CancellationToken ct)
    {
        var backoff = new Backoff();
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await pool.OpenConnectionAsync(ct);
                connection.Notification += (_, notification) => signals.Sequenced(notification.Payload, here: false);
                await using (var listen = new NpgsqlCommand($"listen {Channel}", connection))
                    await listen.ExecuteNonQueryAsync(ct);
                backoff.Reset();
                signals.Everything();
                var look = new LogLook(databases, pool);
                var looked = time.GetTimestamp();
                while (!ct.IsCancellationRequested)
                {
                    var rest = LookInterval - time.GetElapsedTime(looked);
                    if (rest > TimeSpan.Zero && await connection.WaitAsync(rest, ct))
                        continue;
                    await look.RunAsync(connection, signals, LongestLook, ct);
                    looked = time.GetTimestamp();
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                databases.ListenerBroke(pool);
                await databases.Outages.PauseAsync(pool, error, backoff, _ => LogListenFailed(logger, error.Message), ct);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not notify other processes; they will find the events when they look next: {Error}", EventName = "notify-failed")]
    private static partial void LogNotifyFailed(ILogger logger, string error);

    [LoggerMessage(2, LogLevel.Warning, "The listening connection broke; looking for events at intervals until it is back: {Error}", EventName = "listen-failed")]
    private static partial void LogListenFailed(ILogger logger, string error);

    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }
}
