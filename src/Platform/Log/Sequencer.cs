using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// Gives a module's committed events their dense sequence: 1, 2, 3, ... One live leader for each module, whatever the number of
/// processes: each pass locks the head row (SKIP LOCKED) in one statement and gives the numbers in the next, so that the second
/// one sees all that was committed when the lock was won.
/// <para>
/// What is new is found by visibility, not by position: the head keeps the snapshot of its last pass; a row belongs to the next
/// pass when its transaction was running in, or began after, that snapshot. A transaction that commits late is found whenever it
/// commits, an open one delays nobody, and no queue table has to be emptied.
/// </para>
/// </summary>
internal sealed partial class Sequencer(ModuleDatabase database, LogSignals signals, ILogger<Sequencer> logger)
{
    /// <summary>Whether a pass has anything to do: one statement without a lock, so that a look at a log at rest takes no transaction id and writes nothing.</summary>
    private readonly string look = $"""
        select pg_snapshot_xmax(h.settled) > pg_snapshot_xmax(pg_current_snapshot())
            or exists (select from {database.Schema}.event_log where txid >= (select pg_snapshot_xmax(settled) from {database.Schema}.log_head))
            or exists (select from {database.Schema}.event_log where txid = any (array(select pg_snapshot_xip(settled) from {database.Schema}.log_head)))
        from {database.Schema}.log_head h
        """;

    private readonly string lockHead = $"select{(Defences.FreshComparison ? "" : Settled)} from {database.Schema}.log_head for update skip locked";

    /// <summary>
    /// The snapshot of the last pass: its end, what was running in it, and whether it is another cluster's. A statement after the lock, with a snapshot of its own:
    /// the locking statement may answer a row that another pass has written since that statement began, beside which its own snapshot is old.
    /// </summary>
    private readonly string readHead = $"select{Settled} from {database.Schema}.log_head";

    private const string Settled = """
         pg_snapshot_xmax(settled)::text, array(select pg_snapshot_xip(settled)::text), pg_snapshot_xmax(settled) > pg_snapshot_xmax(pg_current_snapshot())
        """;

    private readonly string giveNumbers = GiveNumbers(database.Schema, $"""
        select position from {database.Schema}.event_log where txid >= $1::text::xid8
        union all
        select position from {database.Schema}.event_log where txid = any ($2::text[]::xid8[])
        """);

    /// <summary>
    /// After a restore into a cluster whose transaction ids are behind those of the log, visibility says nothing: compare row by row, once, and forget the
    /// other cluster's transaction ids (to 3, below every id that a cluster gives), so that none of them is taken for one of this cluster. One statement,
    /// so one snapshot: a row that commits meanwhile is neither numbered nor touched.
    /// </summary>
    private readonly string giveNumbersAfterRestore = GiveNumbers(database.Schema, $"""
        select position from {database.Schema}.event_log l where not exists (select from {database.Schema}.event_order o where o.position = l.position)
        """, forget: $", forgotten as (update {database.Schema}.event_log set txid = '3' where txid <> '3')", always: true);

    private static string GiveNumbers(string schema, string fresh, string forget = "", bool always = false) => $"""
        with h as materialized (
            select last, greatest(recordedat, clock_timestamp()) as now from {schema}.log_head
        ), fresh as (
            {fresh}
        ), numbered as (
            insert into {schema}.event_order (sequence, position, recordedat)
            select h.last + row_number() over (order by f.position), f.position, h.now from fresh f, h
            returning 1
        ), given as (select count(*) as n from numbered){forget}
        update {schema}.log_head head
        set last = head.last + given.n, recordedat = h.now, settled = pg_current_snapshot()
        from given, h where given.n > 0 or {always}
        returning given.n
        """;

    /// <summary>What a pass did.</summary>
    internal enum Pass { Idle, Numbered, Busy }

    /// <summary>One pass: numbers everything that was committed, or finds nothing, or finds another leader at work.</summary>
    internal async Task<Pass> PassAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using (var seen = new NpgsqlCommand(look, connection))
            if (await seen.ExecuteScalarAsync(ct) is false)
                return Pass.Idle;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (await LockHeadAsync(connection, ct) is not var (settled, running, restored))
            return Pass.Busy;
        if (restored)
            LogRestored(logger, database.Module);
        long given;
        await using (var number = new NpgsqlCommand(restored ? giveNumbersAfterRestore : giveNumbers, connection))
        {
            if (!restored)
            {
                number.Parameters.Add(new() { Value = settled });
                number.Parameters.Add(new() { Value = running });
            }
            given = await number.ExecuteScalarAsync(ct) is long n ? n : 0;
        }
        if (given == 0 && !restored)
            return Pass.Idle;
        FaultPoints.Reached?.Invoke("sequencer");
        await transaction.CommitAsync(ct);
        LogMetrics.Sequenced(database.Module, given);
        signals.Sequenced(database.Module, here: true);
        return Pass.Numbered;
    }

    private async Task<(string Settled, string[] Running, bool Restored)?> LockHeadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new(lockHead) } };
        if (Defences.FreshComparison)
            batch.BatchCommands.Add(new(readHead));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
            return null;
        if (Defences.FreshComparison)
        {
            await reader.NextResultAsync(ct);
            await reader.ReadAsync(ct);
        }
        return (reader.GetString(0), reader.GetFieldValue<string[]>(1), reader.GetBoolean(2));
    }

    [LoggerMessage(1, LogLevel.Warning, "The log of {Module} was restored into another PostgreSQL cluster; its events are compared one by one, once", EventName = "log-restored")]
    private static partial void LogRestored(ILogger logger, string module);
}
