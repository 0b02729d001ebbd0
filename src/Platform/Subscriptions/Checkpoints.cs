using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>Where a lane stands in one source's log.</summary>
/// <param name="Source">The module whose log it is.</param>
/// <param name="Sequence">The last sequence handled.</param>
/// <param name="HoldAt">Set while the number of lanes changes: no lane goes beyond it until all have reached it.</param>
/// <param name="Lanes">The number of lanes now.</param>
/// <param name="Mark">What it remembers of that log.</param>
internal sealed record Checkpoint(string Source, long Sequence, long? HoldAt, int Lanes, LogMark Mark);

/// <summary>Where the lanes of a subscription stand: a row for each lane and source, laid by <see cref="LaneLayout"/>.</summary>
internal static class Checkpoints
{
    /// <summary>Locks a lane's rows for this transaction, in the order of their sources; null when another reader has them or the layout is another one.</summary>
    internal static async Task<IReadOnlyList<Checkpoint>?> LockAsync(
        NpgsqlConnection connection, LaneKey key, int sources, bool wait, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select source, sequence, hold_at, lanes, logid, read_sequence, read_event from {key.Schema}.checkpoints
            where subscription = $1 and lane = $2 order by source for update {(wait ? "" : "skip locked")}
            """, connection)
        { Parameters = { new() { Value = key.Subscription }, new() { Value = key.Lane } } };
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
        NpgsqlConnection connection, LaneKey key, Checkpoint from, long to, LogMark mark, CancellationToken ct, bool durable = true)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (!durable)
            batch.BatchCommands.Add(new("set local synchronous_commit = off"));
        batch.BatchCommands.Add(new($"""
            update {key.Schema}.checkpoints set sequence = $5, logid = $6, read_sequence = $7, read_event = $8, updated_at = now()
            where subscription = $1 and lane = $2 and source = $3 and sequence = $4
            """)
        { Parameters = { new() { Value = key.Subscription }, new() { Value = key.Lane }, new() { Value = from.Source }, new() { Value = from.Sequence }, new() { Value = to },
                Of(mark.LogId, NpgsqlDbType.Uuid), Of(mark.Sequence, NpgsqlDbType.Bigint), Of(mark.EventId, NpgsqlDbType.Uuid) } });
        return await batch.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
