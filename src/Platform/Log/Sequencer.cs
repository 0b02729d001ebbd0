using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// Gives a module's committed events their dense sequence: 1, 2, 3, ... One live leader for each module, whatever the number of
/// processes: each pass locks the head row (SKIP LOCKED) in one statement and gives the numbers in another, so that the latter
/// sees all that was committed when the lock was won.
/// <para>
/// What is new is found by visibility, not by position: the head keeps the snapshot of its last pass; a row belongs to the next
/// pass when its transaction was running in, or began after, that snapshot. A transaction that commits late is found whenever it
/// commits, an open one delays nobody, and no queue table has to be emptied.
/// </para>
/// <para>
/// Transaction ids are a cluster's. After a restore into another one, the ids in the log say nothing: all that was restored is numbered,
/// and the head keeps the last position that was. Up to that <c>floor</c> ids are not looked at any more. So nothing of the log is
/// rewritten, however long it is.
/// </para>
/// </summary>
internal sealed partial class Sequencer(ModuleDatabase database, LogSignals signals, ILogger<Sequencer> logger)
{
    /// <summary>
    /// Events that one pass numbers: what is more waits for the next one, so that no statement takes long and readers see how it goes on.
    /// </summary>
    internal static int Most { get; set; } = 200_000;

    /// <summary>How long the first pass after a restore waits for those who write: meanwhile others who want to write wait too.</summary>
    private const string LongestWaitForWriters = "2s";

    /// <summary>
    /// Transaction ids that the cluster gives until a head above a floor is moved although nothing is new: what the look reads in vain has
    /// an end.
    /// </summary>
    private const int MostIdsBehind = 10_000;

    private const string IsBehind = "pg_snapshot_xmax(h.settled) > pg_snapshot_xmax(pg_current_snapshot())";

    private const string Cluster = "(select system_identifier::text from pg_control_system())";

    private readonly string schema = database.Schema;

    /// <summary>
    /// Whether a pass has anything to do: one statement without a lock, so that a look at a log at rest takes no transaction id and writes
    /// nothing.
    /// </summary>
    private readonly string look = $"""
        select {IsBehind}
            or exists ({NewRows(database.Schema)})
            or h.floor > 0
            and pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmax(h.settled)::text::bigint > {MostIdsBehind}
        from {LogHead.Of(database.Schema)} h
        """;

    /// <summary>
    /// Whether the log was restored into another cluster, asked after the lock in a statement with a snapshot of its own: the locking
    /// statement may answer a row that another pass has written since that statement began, beside which its own snapshot is old.
    /// </summary>
    private readonly string isRestored = $"select {IsBehind} or h.system <> {Cluster} from {LogHead.Of(database.Schema)} h";

    /// <summary>
    /// The positions of committed rows that have no number, as the statement's snapshot sees them, beside the head <c>h</c>. Both parts go
    /// by the index on <c>txid</c> (<c>+ 0</c> keeps the planner from the one on <c>position</c>), whose upper bound leaves out the ids of
    /// another cluster.
    /// </summary>
    internal static string NewRows(string schema) => $"""
        select l.position
        from {schema}.event_log l
        where l.txid >= pg_snapshot_xmax(h.settled)
          and l.txid < pg_snapshot_xmax(pg_current_snapshot())
          and l.position + 0 > h.floor
        union all
        select l.position
        from pg_snapshot_xip(h.settled) running
        join {schema}.event_log l on l.txid = running
        where l.position + 0 > h.floor
        """;

    /// <summary>
    /// The same in a log that was restored: what the stored snapshot does not cover, by the ids of the cluster that it comes from, and what
    /// was written since, which stands behind everything that was numbered there.
    /// </summary>
    private static string RowsAfterRestore(string schema) => $"""
        select l.position
        from {schema}.event_log l
        where l.txid >= pg_snapshot_xmax(h.settled)
          and l.position + 0 > h.floor
        union
        select l.position
        from pg_snapshot_xip(h.settled) running
        join {schema}.event_log l on l.txid = running
        where l.position + 0 > h.floor
        union
        select l.position
        from {schema}.event_log l
        where l.position > (select coalesce(max(position), 0) from {schema}.event_order)
        """;

    private readonly string giveNumbers = GiveNumbers(database.Schema, NewRows(database.Schema), $"system = {Cluster}");

    private readonly string giveNumbersAfterRestore = GiveNumbers(database.Schema, RowsAfterRestore(database.Schema), $"""
        system = case when given.n < $1 then {Cluster} else head.system end,
        floor = case when given.n < $1 then (select coalesce(max(position), 0) from {database.Schema}.event_log) else head.floor end,
        logid = case when given.n < $1 then gen_random_uuid() else head.logid end
        """);

    private static string GiveNumbers(string schema, string rows, string also) => $"""
        with h as materialized (
            select place, last, settled, floor, greatest(recordedat, clock_timestamp()) as now
            from {LogHead.Of(schema)} head
        ), fresh as materialized (
            select f.position
            from h
            cross join lateral ({rows}) f
            where not exists (select from {schema}.event_order o where o.position = f.position)
            order by f.position
            limit $1
        ), numbered as (
            insert into {schema}.event_order (sequence, position, recordedat)
            select h.last + row_number() over (order by f.position), f.position, h.now
            from fresh f, h
        ), given as (
            select count(*) as n
            from fresh
        )
        update {schema}.log_head head
        set last = head.last + given.n,
            recordedat = h.now,
            settled = case when given.n < $1 then pg_current_snapshot() else head.settled end,
            {also}
        from given, h
        where head.ctid = (select place from h)
        returning given.n
        """;

    /// <summary>What a pass did.</summary>
    internal enum Pass { Idle, Numbered, Busy }

    /// <summary>One pass: numbers everything that was committed, or finds nothing, or finds another leader at work.</summary>
    internal async Task<Pass> PassAsync(CancellationToken ct)
    {
        long given;
        do
        {
            await using var connection = await database.Source.OpenConnectionAsync(ct);
            if (await connection.Command(look).ScalarAsync<bool?>(ct) is false)
                return Pass.Idle;
            await using var transaction = await connection.BeginTransactionAsync(ct);
            if (await LockAsync(connection, ct) is not { } restored)
                return Pass.Busy;
            if (restored)
                await KeepWritersOutAsync(connection, ct);
            given = await connection.Command(restored ? giveNumbersAfterRestore : giveNumbers, Most).ScalarAsync<long>(ct);
            FaultPoints.Reach("sequencer");
            await transaction.CommitAsync(ct);
            Report(given, restored);
        }
        while (given == Most);
        return Pass.Numbered;
    }

    /// <summary>Locks the head; answers whether the log was restored, or null when another leader is at work.</summary>
    private async Task<bool?> LockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var trip = new RoundTrip(connection);
        var locked = trip.Add($"""
            select {Defences.FreshComparison.Sql("true", without: IsBehind)}
            from {LogHead.Of(schema, "for update skip locked")} h
            """)
            .First(row => row.GetBoolean(0));
        var restored = trip.Add(isRestored).First(row => row.GetNullable<bool>(0) is true);
        await trip.RunAsync(ct);
        return !locked.Found ? null : Defences.FreshComparison.On ? restored.Value : locked.Value;
    }

    /// <summary>
    /// What is written now bears ids of this cluster, and what was restored those of another: with nobody writing, one position parts them.
    /// </summary>
    private async Task KeepWritersOutAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var trip = new RoundTrip(connection);
        trip.Add($"set local lock_timeout = '{LongestWaitForWriters}'");
        trip.Add($"lock table {schema}.event_log in share mode");
        await trip.RunAsync(ct);
    }

    private void Report(long given, bool restored)
    {
        if (given == Most)
            LogManyNumbered(logger, database.Module, given);
        if (restored && given < Most)
        {
            LogMetrics.Restored(database.Module);
            LogRestored(logger, database.Module, given);
        }
        if (given == 0)
            return;
        LogMetrics.Sequenced(database.Module, given);
        signals.Sequenced(database.Module, database.Background);
    }

    [LoggerMessage(1, LogLevel.Warning, "The log of {Module} was restored into another PostgreSQL cluster. {Given} events without a number "
        + "got one, and the log has a new id", EventName = "log-restored")]
    private static partial void LogRestored(ILogger logger, string module, long given);

    [LoggerMessage(2, LogLevel.Information, "{Given} events of {Module} were numbered; more are waiting", EventName = "log-numbering")]
    private static partial void LogManyNumbered(ILogger logger, string module, long given);
}
