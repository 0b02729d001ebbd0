using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Data;

/// <summary>
/// Ends sessions of Boon that hold locks in the middle of a statement while their process is frozen. The server's own limits do not see
/// them: inside COPY, or between the messages of one statement, a session is neither idle nor cancelled by a time-out, and its client's
/// machine still acknowledges. So every process looks at all of them.
/// <para>
/// A session is frozen when two looks, <see cref="Interval"/> apart, find the same statement waiting for its client, and no byte of a COPY
/// came in between.
/// </para>
/// </summary>
internal sealed partial class FrozenSessions(Databases databases, TimeProvider time, ILogger<FrozenSessions> logger) : BackgroundService
{
    /// <summary>
    /// Between two looks. A frozen session is found at the first look after <see cref="Young"/> and ended at the next: within 10 s and a
    /// little.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    /// <summary>A statement that began later is not looked at.</summary>
    private static readonly TimeSpan Young = TimeSpan.FromSeconds(4);

    /// <summary>A statement that waits for its client, and how far its COPY has come.</summary>
    private readonly record struct Waiting(int Session, DateTime Since, long Bytes);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(databases.BackgroundPools.Select(pool => WatchAsync(pool, stoppingToken)));

    private async Task WatchAsync(NpgsqlDataSource pool, CancellationToken ct)
    {
        await WarnOfServerAsync(pool, ct);
        var before = new HashSet<Waiting>();
        await databases.LoopsOf(pool).EveryAsync(Interval, time, LookAsync, error => LogFailed(logger, error.Message), ct);

        async Task LookAsync()
        {
            var last = before;
            before = []; // after a look that fails, nothing counts as seen
            var now = await FindAsync(pool, ct);
            foreach (var session in now.Where(last.Contains))
                if (Defences.FrozenSessions.On && await EndAsync(pool, session, ct))
                    LogEnded(logger, session.Session);
            before = now;
        }
    }

    /// <summary>Sessions that hold locks (they have a transaction id) and wait for their client within a statement.</summary>
    private static async Task<HashSet<Waiting>> FindAsync(NpgsqlDataSource pool, CancellationToken ct)
    {
        var found = new HashSet<Waiting>();
        await pool.Command("""
            select a.pid, a.state_change, coalesce(c.bytes_processed, 0)
            from pg_stat_activity a
            left join pg_stat_progress_copy c on c.pid = a.pid
            where a.datname = current_database()
                and a.usename = current_user
                and a.application_name = current_setting('application_name')
                and a.backend_xid is not null
                and a.state = 'active'
                and a.wait_event_type = 'Client'
                and a.state_change < clock_timestamp() - $1
            """, Young)
            .ReadEachAsync(row => found.Add(new Waiting(row.GetInt32(0), row.GetDateTime(1), row.GetInt64(2))), ct);
        return found;
    }

    /// <summary>Ends it if it is where it was.</summary>
    private static async Task<bool> EndAsync(NpgsqlDataSource pool, Waiting session, CancellationToken ct)
    {
        return await pool.Command("""
            select pg_terminate_backend(pid)
            from pg_stat_activity
            where pid = $1
                and state = 'active'
                and wait_event_type = 'Client'
                and state_change = $2
            """, session.Session, session.Since)
            .ScalarAsync<bool?>(ct) is true;
    }

    private async Task WarnOfServerAsync(NpgsqlDataSource pool, CancellationToken ct)
    {
        try
        {
            var most = await pool.Command("""
                select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                """)
                .ScalarAsync<int>(ct);
            var wanted = databases.SizeOf(pool);
            if (wanted > most)
                LogTooMany(logger, wanted, most);
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            LogFailed(logger, error.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Session {Session} held locks in the middle of a statement while its process was frozen, and was ended",
        EventName = "frozen-session-ended")]
    private static partial void LogEnded(ILogger logger, int session);

    [LoggerMessage(2, LogLevel.Warning, "Could not look for frozen sessions; trying again: {Error}", EventName = "frozen-sessions-failed")]
    private static partial void LogFailed(ILogger logger, string error);

    [LoggerMessage(3, LogLevel.Warning,
        "This process may open {Wanted} connections, but the server accepts only {Most}. Lower Maximum Pool Size, or raise max_connections",
        EventName = "too-many-connections")]
    private static partial void LogTooMany(ILogger logger, int wanted, int most);
}
