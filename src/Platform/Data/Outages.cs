using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace Boon.Platform.Data;

/// <summary>
/// The databases that this process cannot write to at the moment: out of reach, starting, read-only after a failover, full. One probe for
/// each looks for its return; every loop waits for that instead of trying by itself, and the log has one line when it goes and one when it
/// is back.
/// </summary>
public sealed partial class Outages(ILogger<Outages> logger) : IDisposable
{
    /// <summary>What a probe writes has no lasting place, and needs one on the disk: 20,000 rows are some 700 KB.</summary>
    private const string Probe = "create temp table boon_probe on commit drop as select generate_series(1, 20000) as n";

    private const int LongestProbe = 5;

    private readonly ConcurrentDictionary<string, Outage> away = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stop = new();

    private sealed class Outage(string reason)
    {
        internal string Reason { get; set; } = reason;

        internal TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>True while one of the databases is away.</summary>
    public bool Any => !away.IsEmpty;

    /// <summary>Why a pool's database is away, such as "is read-only"; null when it is not.</summary>
    public string? Reason(NpgsqlDataSource source) => away.GetValueOrDefault(NameOf(source))?.Reason;

    /// <summary>Takes note of a failure; false when it says nothing about the database as a whole.</summary>
    public bool Note(NpgsqlDataSource source, Exception error)
    {
        if (ReasonOf(error) is not { } reason)
            return false;
        var outage = new Outage(reason);
        if (away.TryAdd(NameOf(source), outage))
        {
            LogAway(logger, NameOf(source), reason, error.Message);
            _ = ReturnAsync(source, outage);
        }
        return true;
    }

    /// <summary>
    /// What a loop does when it failed: says so unless its database, or the one that it reads from, is away, waits until its own is back,
    /// and pauses.
    /// </summary>
    public async Task PauseAsync(NpgsqlDataSource source, Exception error, Backoff backoff, Action<TimeSpan> log, CancellationToken ct)
    {
        var pause = backoff.Next();
        if (error is not SourceAwayException && !Note(source, error))
            log(pause);
        await BackAsync(source, ct);
        await Task.Delay(pause, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Waits until a pool's database is not away, or the token is cancelled.</summary>
    public async Task BackAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        if (away.TryGetValue(NameOf(source), out var outage))
            await outage.Over.Task.WaitAsync(ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Why an error means that the whole database cannot be worked with; null for errors of one statement or connection.</summary>
    internal static string? ReasonOf(Exception exception)
    {
        for (var error = exception; error is not null; error = error.InnerException)
            switch (error)
            {
                case PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction }:
                    return "is read-only";
                case PostgresException { SqlState: PostgresErrorCodes.DiskFull }:
                    return "has no room on its disk";
                case PostgresException { SqlState: PostgresErrorCodes.TooManyConnections }:
                    return "has no connection left";
                case PostgresException
                    { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
                    or PostgresErrorCodes.CannotConnectNow }:
                case SocketException or EndOfStreamException or IOException:
                    return "does not answer";
                case PostgresException:
                    return null;
            }
        return null;
    }

    private async Task ReturnAsync(NpgsqlDataSource source, Outage outage)
    {
        var began = Stopwatch.GetTimestamp();
        var backoff = new Backoff();
        var name = NameOf(source);
        var ct = stop.Token;
        source.Clear(); // its connections are of before
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(backoff.Next(), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                var probe = source.Command(Probe);
                probe.CommandTimeout = LongestProbe;
                await probe.ExecuteAsync(ct);
                break;
            }
            catch (Exception error) when (!PostgresErrors.IsOutage(error))
            {
                break; // it answers, whatever else is wrong
            }
            catch (Exception error)
            {
                // Still away, perhaps for another reason: it answers again and takes no writes, say.
                if (ReasonOf(error) is { } reason && reason != outage.Reason)
                    LogAway(logger, name, outage.Reason = reason, error.Message);
            }
        }
        away.TryRemove(name, out _);
        outage.Over.TrySetResult();
        if (!ct.IsCancellationRequested)
            LogBack(logger, name, Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private static string NameOf(NpgsqlDataSource source) => ConnectionText.Describe(source.ConnectionString);

    /// <inheritdoc/>
    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
    }

    [LoggerMessage(1, LogLevel.Warning, "Database {Database} {Reason}; all work on it waits: {Error}", EventName = "database-away")]
    private static partial void LogAway(ILogger logger, string database, string reason, string error);

    [LoggerMessage(2, LogLevel.Information, "Database {Database} is back after {Seconds:0.0} s", EventName = "database-back")]
    private static partial void LogBack(ILogger logger, string database, double seconds);
}

/// <summary>The database of a module that is read from is away, which the log has said.</summary>
internal sealed class SourceAwayException(string message) : TimeoutException(message);
