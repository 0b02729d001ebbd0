using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Rules;

namespace Boon.Platform.Subscriptions;

/// <summary>What became of a lane that reads a log, when the log as it is now was accepted.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Lane">Its lane.</param>
/// <param name="Stood">Where it stood.</param>
/// <param name="GoesOn">After which sequence it goes on; null: it stays stopped.</param>
/// <param name="Difference">Why it had stopped; null: it had not.</param>
public sealed record AcceptedLane(string Subscription, int Lane, long Stood, long? GoesOn, string? Difference);

/// <summary>The ids of logs: a new one says that a log is not what its readers knew; accepting it says from where they go on.</summary>
public sealed class LogEpochs(Databases databases, LogPlaces places, IEnumerable<SubscriptionRunner> subscriptions)
{
    /// <summary>A lane as its row says it, and why it must not go on; lost when its last event is no longer there.</summary>
    private sealed record Stand(
        string Subscription, int Lane, long Sequence, LogMark Mark, DateTime ReadAt, string? Difference = null, bool Lost = false);

    /// <summary>Gives a module's log a new id: readers in other databases stop until they are told from where to go on.</summary>
    public async Task<Guid> BeginAsync(string module, CancellationToken ct)
    {
        var log = databases.Of(module);
        return await log.Command($"update {log.Schema}.log_head set logid = gen_random_uuid() returning logid").ScalarAsync<Guid>(ct);
    }

    /// <summary>
    /// Accepts a module's log as it is now, for every lane of this process's modules that reads it. A lane whose last event is still there
    /// goes on after it; any other goes on after <paramref name="from"/>, or stays stopped when that is null.
    /// </summary>
    /// <exception cref="SetupException">Nobody here reads it, or <paramref name="from"/> cannot be where the logs part.</exception>
    public async Task<IReadOnlyList<AcceptedLane>> AcceptAsync(string module, long? from, CancellationToken ct)
    {
        var readers = subscriptions.Where(subscription => subscription.Sources.Contains(module)).ToList();
        if (readers.Count == 0)
            throw new SetupException($"No module of this process reads the log of '{module}'.");
        var log = places.Of(readers[0].Database.Module, module);
        var head = await EventReader.HeadAsync(log.Database.Source, log.Schema, ct);
        if (from > head)
            throw new SetupException($"The log of {module} ends at {head}: --from can be 0 to {head}.");
        var lanes = new List<AcceptedLane>();
        foreach (var reader in readers.DistinctBy(reader => reader.Database.Module))
            lanes.AddRange(await AcceptAsync(reader.Database, module, from, ct));
        return lanes;
    }

    /// <summary>One transaction for all subscriptions of a module: they share its tables.</summary>
    private async Task<List<AcceptedLane>> AcceptAsync(ModuleDatabase reader, string module, long? from, CancellationToken ct)
    {
        await using var connection = await reader.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var log = places.Of(reader.Module, module);
        var stopped = log.IsCopy ? await CopyEpochs.AcceptAsync(connection, log, from, ct) : null;
        var stands = await StandsAsync(connection, reader, log, from, stopped, ct);
        var lost = stands.FindAll(stand => stand.Lost);
        if (from is { } parted && lost.Count > 0)
        {
            // Of a copy that was cut, everybody knows what is left.
            var known = log.IsCopy ? 0 : await ReadBeforeAsync(log, lost, ct);
            if (parted < known)
                throw new SetupException($"The log of {module} is known to be the same up to {known}: --from must not be less than that.");
            await SetAsideAsync(connection, reader.Schema, module, parted, lost.Max(stand => stand.Sequence), ct);
        }
        foreach (var stand in stands.Where(stand => stand.Difference is not null && (!stand.Lost || from is not null)))
            // The lane takes note of the log's id and its last event with its next batch.
            await connection.Command($"""
                update {reader.Schema}.checkpoints
                set sequence = $4, logid = null, updated_at = now(), hold_at = case when $5 then null else hold_at end,
                    read_sequence = case when $5 then null else read_sequence end, read_event = case when $5 then null else read_event end
                where subscription = $1 and source = $2 and lane = $3
                """, stand.Subscription, module, stand.Lane, stand.Lost ? from!.Value : stand.Sequence, stand.Lost)
                .ExecuteAsync(ct);
        // Lanes that wait for a change of their number wait for each other at one place, which may be another now.
        await connection.Command($"""
            update {reader.Schema}.checkpoints c
            set hold_at = (
                select max(sequence)
                from {reader.Schema}.checkpoints m
                where m.subscription = c.subscription and m.source = c.source)
            where source = $1 and wanted_lanes is not null
            """, module)
            .ExecuteAsync(ct);
        await connection.Command("select pg_notify($1, $2)", LogNotifications.Channel, module).ExecuteAsync(ct);
        await transaction.CommitAsync(ct);
        return stands.ConvertAll(stand =>
            new AcceptedLane(stand.Subscription, stand.Lane, stand.Sequence, stand.Lost ? from : stand.Sequence, stand.Difference));
    }

    private static async Task<List<Stand>> StandsAsync(
        NpgsqlConnection connection, ModuleDatabase reader, LogPlace log, long? from, string? stopped, CancellationToken ct)
    {
        var stands = await connection.Command($"""
            select subscription, lane, sequence, logid, read_sequence, read_event, updated_at
            from {reader.Schema}.checkpoints
            where source = $1
            order by subscription, lane
            for update
            """, log.Source)
            .ReadAllAsync(row =>
                new Stand(row.GetString(0), row.GetInt32(1), row.GetInt64(2), Checkpoints.ReadMark(row, 3), row.GetDateTime(6)), ct);
        for (var i = 0; i < stands.Count; i++)
        {
            var (sequence, mark) = (stands[i].Sequence, stands[i].Mark);
            var state = await log.ReadAsync(connection, own => LogState.ReadAsync(own, log.Schema, mark, ct), ct);
            stands[i] = stands[i] with
            {
                Difference = stopped ?? state.Difference(log, sequence, mark),
                Lost = stopped is not null || state.Difference(log, sequence, mark with { LogId = null }) is not null,
            };
            if (log.IsCopy && stopped is null && from < sequence && state.Head <= from)
                stands[i] = stands[i] with { Difference = $"the copy goes on after {from}", Lost = true };
        }
        return stands;
    }

    /// <summary>
    /// The last event that the log has now and that these lanes had read before they stopped: it was recorded before they read last. Where
    /// they stand tells nothing, their events are gone; and a lane that goes on may have been behind the loss, and has read what was
    /// written since.
    /// </summary>
    private static async Task<long> ReadBeforeAsync(LogPlace log, List<Stand> lost, CancellationToken ct)
    {
        return await log.Database.Background.Command($"""
            select coalesce(max(known.sequence), 0)
            from unnest($1, $2) as lane (sequence, read_at)
            cross join lateral (
                select o.sequence
                from {log.Schema}.event_order o
                where o.sequence <= lane.sequence and o.recordedat <= lane.read_at
                order by o.sequence desc
                limit 1) known
            """, lost.Column(stand => stand.Sequence), lost.Column(stand => stand.ReadAt))
            .ScalarAsync<long>(ct);
    }

    /// <summary>
    /// What the module has stored about events that are lost keeps its place under another name of the source
    /// (<c>identity#20261125T134500</c>), so that the events that now have those sequences are not taken for them. Rules that count after a
    /// lost event count after the last one that was kept.
    /// </summary>
    private static async Task SetAsideAsync(
        NpgsqlConnection connection, string schema, string module, long from, long to, CancellationToken ct)
    {
        var places = await TablesAsync(connection, schema, ["source", "sequence"], ct);
        var rules = await TablesAsync(connection, schema, [RuleStart.Column], ct);
        var trip = new RoundTrip(connection) { Timeout = TimeSpan.Zero };
        trip.Add("set local statement_timeout = 0");
        foreach (var table in rules)
            trip.Add(RuleStart.Lower(schema, table), module, from);
        foreach (var table in places)
            trip.Add($"""
                update {schema}.{table}
                set source = source || to_char(now() at time zone 'utc', '"#"YYYYMMDD"T"HH24MISS')
                where source = $1 and sequence > $2 and sequence <= $3
                """, module, from, to);
        await trip.RunAsync(ct);
    }

    /// <summary>The module's tables that have all of these columns, but for the checkpoints.</summary>
    private static Task<List<string>> TablesAsync(NpgsqlConnection connection, string schema, string[] columns, CancellationToken ct) =>
        connection.Command("""
            select table_name
            from information_schema.columns
            where table_schema = $1 and column_name = any ($2) and table_name <> 'checkpoints'
            group by table_name
            having count(*) = cardinality($2)
            """, schema, columns)
            .ReadAllAsync(row => row.GetString(0), ct);
}
