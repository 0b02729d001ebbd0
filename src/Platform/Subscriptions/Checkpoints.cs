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

/// <summary>Where the lanes of a subscription stand: a row for each lane and source, laid by <see cref="LaneLayout"/>.</summary>
internal static class Checkpoints
{
    /// <summary>
    /// The row of lane $2 of subscription $1 in a source, to stand in a <c>from</c>. It is read from its newest version back, for the
    /// reason that <see cref="LogHead"/> tells. Compared column by column, it is one row to the planner, which then reads all versions and
    /// sorts; a comparison of whole keys may find many rows, so the planner goes along the index and stops at the first.
    /// </summary>
    internal static string Of(string schema, string source, string locking = "") => $"""
        (
            select kept.ctid as place, kept.*
            from {schema}.checkpoints kept
            where (kept.subscription, kept.lane, kept.source) >= ($1, $2, {source})
                and (kept.subscription, kept.lane, kept.source) <= ($1, $2, {source})
            order by kept.subscription desc, kept.lane desc, kept.source desc
            limit 1
            {locking}
        )
        """;

    /// <summary>
    /// Locks a lane's rows for this transaction, in the order of their sources; null when another reader has them or the layout is another
    /// one.
    /// </summary>
    internal static async Task<IReadOnlyList<Checkpoint>?> LockAsync(
        NpgsqlConnection connection, LaneKey key, IReadOnlyList<string> sources, bool wait, CancellationToken ct)
    {
        var rows = await connection.Command($"""
            select c.source, c.sequence, c.hold_at, c.lanes, c.logid, c.read_sequence, c.read_event
            from unnest($3) s (source)
            cross join lateral {Of(key.Schema, "s.source", wait ? "for update" : "for update skip locked")} c
            """, key.Subscription, key.Lane, sources.Order(StringComparer.Ordinal).ToArray())
            .ReadAllAsync(row =>
                new Checkpoint(row.GetString(0), row.GetInt64(1), row.GetNullable<long>(2), row.GetInt32(3), ReadMark(row, 4)), ct);
        return rows.Count == sources.Count ? rows : null;
    }

    /// <summary>The columns <c>logid, read_sequence, read_event</c>, from one on.</summary>
    internal static LogMark ReadMark(NpgsqlDataReader reader, int column) =>
        new(reader.GetNullable<Guid>(column), reader.GetNullable<long>(column + 1), reader.GetNullable<Guid>(column + 2));

    /// <summary>
    /// Moves a checkpoint that this transaction holds. Unless <paramref name="durable"/>, the commit waits for no disk: a batch without
    /// effect can be read again.
    /// </summary>
    internal static async Task<int> MoveAsync(
        NpgsqlConnection connection, LaneKey key, Checkpoint from, long to, LogMark mark, CancellationToken ct, bool durable = true)
    {
        var trip = new RoundTrip(connection);
        if (!durable)
            trip.Add("set local synchronous_commit = off");
        var moved = trip.Add($"""
            update {key.Schema}.checkpoints
            set sequence = $5, logid = $6, read_sequence = $7, read_event = $8, updated_at = now()
            where ctid = (select place from {Of(key.Schema, "$3")} held) and sequence = $4
            """, key.Subscription, key.Lane, from.Source, from.Sequence, to, mark.LogId, mark.Sequence, mark.EventId);
        await trip.RunAsync(ct);
        return moved.Rows;
    }
}
