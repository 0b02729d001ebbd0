using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// How many lanes a subscription has. The stored number rules, in every process. A process that starts asks for the number of its settings,
/// once; whoever asked last is obeyed by all. While the number changes, the lanes are held at the furthest checkpoint of each source, and
/// the number that is wanted is stored beside the one that runs. Once all lanes stand there, any process lays the rows anew. No event is
/// handled twice or by nobody.
/// </summary>
internal static class LaneLayout
{
    /// <summary>Lays the rows that are missing and asks for a number of lanes. Answers the number that runs now.</summary>
    internal static async Task<int> AskAsync(
        ModuleDatabase database, string subscription, IReadOnlyList<string> sources, int lanes, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        // Nearly always everything is as it should be: then nothing waits for the batches that are under way.
        if (await IsLaidAsync(connection, database.Schema, subscription, sources, lanes, ct))
            return lanes;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.Command(Alone(database.Schema)).ExecuteAsync(ct);
        var stored = (await NumbersAsync(connection, database.Schema, subscription, ct))?.Running;
        await connection.Command($"""
            insert into {database.Schema}.checkpoints (subscription, lane, source, lanes)
            select $1, lane, source, $2
            from generate_series(0, $2 - 1) lane, unnest($3) source
            on conflict do nothing
            """, subscription, stored ?? lanes, sources.ToArray())
            .ExecuteAsync(ct);
        var running = lanes;
        if (stored is null || stored == lanes)
            await GoOnAsync(connection, database.Schema, subscription, ct);
        else if (!await TryLayAnewAsync(connection, database.Schema, subscription, lanes, ct))
        {
            await connection.Command($"""
                update {database.Schema}.checkpoints c
                set wanted_lanes = $2,
                    hold_at = (
                        select max(sequence)
                        from {database.Schema}.checkpoints m
                        where m.subscription = c.subscription and m.source = c.source)
                where subscription = $1
                """, subscription, lanes)
                .ExecuteAsync(ct);
            running = stored.Value;
        }
        await WakeAsync(connection, sources, ct);
        await transaction.CommitAsync(ct);
        return running;
    }

    /// <summary>The number of lanes that runs now, whoever asked for it; null when none was ever laid.</summary>
    internal static async Task<int?> RunningAsync(ModuleDatabase database, string subscription, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return (await NumbersAsync(connection, database.Schema, subscription, ct))?.Running;
    }

    /// <summary>Ends a change of lanes if every lane has reached its hold; true: the rows are laid anew.</summary>
    /// <param name="database">The module that reads.</param>
    /// <param name="subscription">Its subscription.</param>
    /// <param name="sources">What that reads.</param>
    /// <param name="own">The number of this process's settings, which does not count.</param>
    /// <param name="ct">Ends the wait.</param>
    internal static async Task<bool> TryFinishChangeAsync(
        ModuleDatabase database, string subscription, IReadOnlyList<string> sources, int own, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        // Each lane that waits for the others comes by here again and again: it keeps nobody out before there is something to do.
        if (await AreApartAsync(connection, database.Schema, subscription, ct))
            return false;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.Command(Alone(database.Schema)).ExecuteAsync(ct);
        if (await NumbersAsync(connection, database.Schema, subscription, ct) is not { } now)
            return false;
        var wanted = Defences.StoredLanes.On ? now.Wanted : own;
        var done = false;
        if (wanted is { } lanes && lanes != now.Running)
            done = await TryLayAnewAsync(connection, database.Schema, subscription, lanes, ct);
        else
            await GoOnAsync(connection, database.Schema, subscription, ct); // asked for by a version of Boon that stored no number
        if (done)
            await WakeAsync(connection, sources, ct);
        await transaction.CommitAsync(ct);
        return done;
    }

    private static async Task<bool> IsLaidAsync(
        NpgsqlConnection connection, string schema, string subscription, IReadOnlyList<string> sources, int lanes, CancellationToken ct)
    {
        return await connection.Command($"""
            select count(*) = $3 and bool_and(lanes = $4 and hold_at is null and wanted_lanes is null)
            from {schema}.checkpoints
            where subscription = $1 and source = any ($2)
            """, subscription, sources.ToArray(), (long)lanes * sources.Count, lanes)
            .ScalarAsync<bool?>(ct) is true;
    }

    /// <summary>
    /// Keeps every lane out before it locks a row: a weaker lock would let lanes have their rows and then wait for each other, the change
    /// for the rows and the lanes to write them.
    /// </summary>
    private static string Alone(string schema) =>
        $"lock table {schema}.checkpoints in {Defences.LanesAlone.Sql("exclusive", without: "share row exclusive")} mode";

    /// <summary>The number of lanes that runs, and the one that is wanted while it changes; null when no lane was ever laid.</summary>
    private static async Task<(int Running, int? Wanted)?> NumbersAsync(
        NpgsqlConnection connection, string schema, string subscription, CancellationToken ct)
    {
        var (running, wanted) = await connection.Command($"""
            select max(lanes), max(wanted_lanes)
            from {schema}.checkpoints
            where subscription = $1
            """, subscription)
            .ReadOneAsync(row => (row.GetNullable<int>(0), row.GetNullable<int>(1)), ct);
        return running is { } lanes ? (lanes, wanted) : null;
    }

    /// <summary>Lets the lanes go on as they are.</summary>
    private static Task<int> GoOnAsync(
        NpgsqlConnection connection, string schema, string subscription, CancellationToken ct) => connection.Command($"""
        update {schema}.checkpoints
        set hold_at = null, wanted_lanes = null
        where subscription = $1 and (hold_at is not null or wanted_lanes is not null)
        """, subscription)
        .ExecuteAsync(ct);

    private static async Task<bool> AreApartAsync(NpgsqlConnection connection, string schema, string subscription, CancellationToken ct)
    {
        return await connection.Command($"""
            select exists (
                select
                from {schema}.checkpoints
                where subscription = $1
                group by source
                having min(sequence) <> max(sequence))
            """, subscription)
            .ScalarAsync<bool>(ct);
    }

    private static async Task<bool> TryLayAnewAsync(
        NpgsqlConnection connection, string schema, string subscription, int lanes, CancellationToken ct)
    {
        if (await AreApartAsync(connection, schema, subscription, ct))
            return false;
        await connection.Command($"""
            with old as (
                delete from {schema}.checkpoints
                where subscription = $1
                returning *
            ), furthest as (
                select distinct on (source) *
                from old
                order by source, read_sequence desc nulls last
            )
            insert into {schema}.checkpoints (subscription, lane, source, lanes, sequence, logid, read_sequence, read_event)
            select $1, l.lane, f.source, $2, f.sequence, f.logid, f.read_sequence, f.read_event
            from furthest f, generate_series(0, $2 - 1) l (lane)
            """, subscription, lanes)
            .ExecuteAsync(ct);
        return true;
    }

    /// <summary>
    /// Wakes the lanes of all processes when this is committed: those that have nothing to read shall see the change too.
    /// </summary>
    private static async Task WakeAsync(NpgsqlConnection connection, IReadOnlyList<string> sources, CancellationToken ct)
    {
        foreach (var source in sources)
            await connection.Command("select pg_notify($1, $2)", LogNotifications.Channel, source).ExecuteAsync(ct);
    }
}
