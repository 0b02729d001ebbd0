using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>Where a lane stands in one source's log.</summary>
/// <param name="Source">The module whose log it is.</param>
/// <param name="Sequence">The last sequence handled.</param>
/// <param name="HoldAt">Set while the number of lanes changes: no lane goes beyond it until all have reached it.</param>
/// <param name="Lanes">The number of lanes now.</param>
/// <param name="Mark">What it remembers of that log.</param>
internal sealed record Checkpoint(string Source, long Sequence, long? HoldAt, int Lanes, LogMark Mark);

/// <summary>
/// The stored layout of a subscription: a row for each lane and source. The stored number of lanes rules; when the setting asks for another,
/// the lanes are held at the furthest checkpoint, and once all stand there the rows are laid anew. No event is handled twice or by nobody.
/// </summary>
internal static class Checkpoints
{
    /// <summary>Makes the rows that are missing and starts a change of lanes if one is asked for. Answers the number of lanes that now runs.</summary>
    internal static async Task<int> PrepareAsync(ModuleDatabase database, string subscription, IReadOnlyList<string> sources, int lanes, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        // Nearly always everything is as it should be: then nothing waits for the batches that are under way.
        if (await IsLaidAsync(connection, database.Schema, subscription, sources, lanes, ct))
            return lanes;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, Alone(database.Schema), ct);
        await using var count = new NpgsqlCommand($"select max(lanes) from {database.Schema}.checkpoints where subscription = $1", connection)
        { Parameters = { new() { Value = subscription } } };
        var stored = await count.ExecuteScalarAsync(ct) as int?;
        await ExecuteAsync(connection, $"""
            insert into {database.Schema}.checkpoints (subscription, lane, source, lanes)
            select $1, lane, source, $2 from generate_series(0, $2 - 1) lane, unnest($3::text[]) source on conflict do nothing
            """, ct, subscription, stored ?? lanes, sources.ToArray());
        if (stored is { } running && running != lanes && !await TryLayAnewAsync(connection, database.Schema, subscription, lanes, ct))
        {
            await ExecuteAsync(connection, $"""
                update {database.Schema}.checkpoints c set hold_at = (
                    select max(sequence) from {database.Schema}.checkpoints m where m.subscription = c.subscription and m.source = c.source)
                where subscription = $1 and hold_at is null
                """, ct, subscription);
            lanes = running;
        }
        await transaction.CommitAsync(ct);
        return lanes;
    }

    private static async Task<bool> IsLaidAsync(
        NpgsqlConnection connection, string schema, string subscription, IReadOnlyList<string> sources, int lanes, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select count(*) = $3 and bool_and(lanes = $4 and hold_at is null)
            from {schema}.checkpoints
            where subscription = $1 and source = any ($2)
            """, connection)
        {
            Parameters =
            {
                new() { Value = subscription }, new() { Value = sources.ToArray() }, new() { Value = (long)lanes * sources.Count }, new() { Value = lanes },
            },
        };
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>
    /// Keeps every lane out before it locks a row: a weaker lock would let lanes have their rows and then wait for each other, the change for the rows and the lanes to write them.
    /// </summary>
    private static string Alone(string schema) => $"lock table {schema}.checkpoints in exclusive mode";

    /// <summary>Ends a change of lanes if every lane has reached its hold.</summary>
    internal static async Task<bool> TryFinishChangeAsync(ModuleDatabase database, string subscription, int lanes, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, Alone(database.Schema), ct);
        var done = await TryLayAnewAsync(connection, database.Schema, subscription, lanes, ct);
        await transaction.CommitAsync(ct);
        return done;
    }

    private static async Task<bool> TryLayAnewAsync(NpgsqlConnection connection, string schema, string subscription, int lanes, CancellationToken ct)
    {
        await using (var apart = new NpgsqlCommand($"""
            select exists (select from {schema}.checkpoints where subscription = $1 group by source having min(sequence) <> max(sequence))
            """, connection)
        { Parameters = { new() { Value = subscription } } })
            if (await apart.ExecuteScalarAsync(ct) is true)
                return false;
        await ExecuteAsync(connection, $"""
            with old as (
                delete from {schema}.checkpoints where subscription = $1 returning *
            ), furthest as (
                select distinct on (source) * from old order by source, read_sequence desc nulls last
            )
            insert into {schema}.checkpoints (subscription, lane, source, lanes, sequence, logid, read_sequence, read_event)
            select $1, l.lane, f.source, $2, f.sequence, f.logid, f.read_sequence, f.read_event
            from furthest f, generate_series(0, $2 - 1) l (lane)
            """, ct, subscription, lanes);
        return true;
    }

    /// <summary>Locks a lane's rows for this transaction, in the order of their sources; null when another reader has them or the layout is another one.</summary>
    internal static async Task<IReadOnlyList<Checkpoint>?> LockAsync(
        NpgsqlConnection connection, string schema, string subscription, int lane, int sources, bool wait, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select source, sequence, hold_at, lanes, logid, read_sequence, read_event from {schema}.checkpoints
            where subscription = $1 and lane = $2 order by source for update {(wait ? "" : "skip locked")}
            """, connection)
        { Parameters = { new() { Value = subscription }, new() { Value = lane } } };
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<Checkpoint>(sources);
        while (await reader.ReadAsync(ct))
            rows.Add(new Checkpoint(reader.GetString(0), reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetInt64(2), reader.GetInt32(3), ReadMark(reader, 4)));
        return rows.Count >= sources ? rows : null;
    }

    /// <summary>The columns <c>logid, read_sequence, read_event</c>, from one on.</summary>
    internal static LogMark ReadMark(NpgsqlDataReader reader, int column) => new(
        reader.IsDBNull(column) ? null : reader.GetGuid(column),
        reader.IsDBNull(column + 1) ? null : reader.GetInt64(column + 1),
        reader.IsDBNull(column + 2) ? null : reader.GetGuid(column + 2));

    /// <summary>
    /// Moves a checkpoint that this transaction holds. Unless <paramref name="durable"/>, the commit waits for no disk: a batch without effect can be read again.
    /// </summary>
    internal static async Task<int> MoveAsync(
        NpgsqlConnection connection, string schema, string subscription, int lane, string source, long from, long to, LogMark mark, CancellationToken ct, bool durable = true)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (!durable)
            batch.BatchCommands.Add(new("set local synchronous_commit = off"));
        batch.BatchCommands.Add(new($"""
            update {schema}.checkpoints set sequence = $5, logid = $6, read_sequence = $7, read_event = $8, updated_at = now()
            where subscription = $1 and lane = $2 and source = $3 and sequence = $4
            """)
        { Parameters = { new() { Value = subscription }, new() { Value = lane }, new() { Value = source }, new() { Value = from }, new() { Value = to },
                Of(mark.LogId, NpgsqlDbType.Uuid), Of(mark.Sequence, NpgsqlDbType.Bigint), Of(mark.EventId, NpgsqlDbType.Uuid) } });
        return await batch.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return await command.ExecuteNonQueryAsync(ct);
    }
}
