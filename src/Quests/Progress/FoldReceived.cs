namespace Boon.Quests.Progress;

/// <summary>
/// Folds the event store into two temporary tables, <c>progress_rebuilt</c> and <c>completions_rebuilt</c>. The database sorts the events,
/// so that those of a user of a quest come one after the other: what is in memory is one user's state and one piece of the events, however
/// many there are. Of a quest whose events can be reversed, it is all events of one user that stand.
/// </summary>
internal sealed class FoldReceived(NpgsqlConnection connection, IProgress<long> progress)
{
    /// <summary>Events that are read at once, and then written.</summary>
    private const int Piece = 50_000;

    private readonly List<(Guid QuestId, Guid UserId, QuestState State, long Received)> rows = [];
    private readonly List<(Guid QuestId, Guid UserId, int Number, long Position, long? Withdrawn)> completions = [];
    private (Guid QuestId, Guid UserId) key;

    /// <summary>Of a quest whose events can be reversed: those of the user that stand, and the completions by their numbers.</summary>
    private (StandingEvents Events, Dictionary<int, (long Position, long? Withdrawn)> Completions)? reversible;
    private QuestState state;
    private long received;
    private long last;

    /// <summary>How many were folded.</summary>
    internal long Events { get; private set; }

    /// <summary>Drops the tables, which outlive the transactions that fill them.</summary>
    internal static Task DropAsync(NpgsqlConnection connection, CancellationToken ct) =>
        ReplayTables.ExecuteAsync(connection, "drop table if exists pg_temp.progress_rebuilt, pg_temp.completions_rebuilt", ct);

    /// <summary>Folds every event that was not folded yet and that this transaction sees.</summary>
    internal async Task ReadAsync(CancellationToken ct)
    {
        var rules = await LoadRulesAsync(ct);
        var (more, newest) = (last > 0, last);
        if (!more)
            await CreateAsync(ct);
        // The whole result is wanted, in this order: never by an index that reads the rows from all over the table.
        await ReplayTables.ExecuteAsync(connection, $"""
            set local cursor_tuple_fraction = 1;
            set local enable_indexscan = {(more ? "on" : "off")};
            declare received no scroll cursor for
            select r.quest_id, r.user_id, r.version, r.period, r.position, r.subject, r.outcome = 'reversed',
                p.streak, p.completions, p.period, p.withdrawn, p.received
            from {(more ? Since(last) : "quests.received")} r
            left join progress_rebuilt p on p.quest_id = r.quest_id and p.user_id = r.user_id and r.subject is null
            order by r.user_id, r.quest_id, r.position
            """, ct);
        key = default;
        int read;
        do
        {
            read = 0;
            await connection.Command($"fetch forward {Piece} from received").WithoutLimit().ReadEachAsync(row =>
            {
                newest = Math.Max(newest, Apply(row, rules));
                read++;
            }, ct);
            if (read < Piece)
                EndKey();
            await WriteAsync(replace: more, ct);
            Events += read;
            progress.Report(Events);
        }
        while (read == Piece);
        last = newest;
        await ReplayTables.ExecuteAsync(
            connection, "close received; set local enable_indexscan = on; analyze progress_rebuilt; analyze completions_rebuilt", ct);
    }

    /// <summary>
    /// What came after a position, and everything of a user and quest where that may be a reversal of something before it.
    /// </summary>
    private static string Since(long position) => $"""
        (select *
        from quests.received
        where position > {position} and subject is null
        union all
        select a.*
        from (select distinct user_id, quest_id from quests.received where position > {position} and subject is not null) n
        join quests.received a on a.user_id = n.user_id and a.quest_id = n.quest_id)
        """;

    private async Task CreateAsync(CancellationToken ct)
    {
        await DropAsync(connection, ct);
        await ReplayTables.ExecuteAsync(connection, """
            create temp table progress_rebuilt (like quests.progress);
            create temp table completions_rebuilt (quest_id uuid, user_id uuid, number int, position bigint, withdrawn bigint)
            """, ct);
    }

    private async Task<Dictionary<(Guid QuestId, int Version), QuestRules>> LoadRulesAsync(CancellationToken ct)
    {
        var rules = new Dictionary<(Guid QuestId, int Version), QuestRules>();
        await connection.Command("""
            select v.quest_id, v.version, v.state, v.streak, v.duplication, q.window_unit, q.time_zone
            from quests.versions v
            join quests.quests q on q.id = v.quest_id
            """)
            .ReadEachAsync(row => rules[(row.GetGuid(0), row.GetInt32(1))] = QuestRules.Of(
                row.GetGuid(0), row.GetInt32(1), row.GetString(2), row.GetInt32(3), row.GetInt32(4),
                row.GetNullable<string>(5), row.GetNullable<string>(6)), ct);
        return rules;
    }

    /// <summary>
    /// Folds one event; answers its position. The first of a user and quest begins where those before ended that were folded in another
    /// transaction.
    /// </summary>
    private long Apply(NpgsqlDataReader reader, Dictionary<(Guid QuestId, int Version), QuestRules> rules)
    {
        var (questId, userId, position) = (reader.GetGuid(0), reader.GetGuid(1), reader.GetInt64(4));
        var subject = reader.GetNullable<string>(5);
        if (key != (questId, userId))
        {
            EndKey();
            key = (questId, userId);
            reversible = subject is null ? null : (new StandingEvents(), []);
            (state, received) = reader.IsDBNull(7)
                ? (default, 0)
                : (ProgressStore.StateAt(reader, 7), reader.GetInt64(11));
        }
        received++;
        if (reversible is not null && reader.GetBoolean(6))
            Reverse(subject!, position);
        else
            Count(subject, position, rules[(questId, reader.GetInt32(2))], reader.GetNullable<int>(3));
        return position;
    }

    private void Count(string? subject, long position, QuestRules rules, int? period)
    {
        if (reversible is var (events, numbered))
        {
            if (events.Add(new StandingEvent(position, subject!, rules, period)) is { } number)
                numbered[number] = (position, null);
            return;
        }
        (state, var outcome) = QuestProgress.Apply(state, rules, period);
        if (outcome == Outcome.Completed)
            completions.Add((key.QuestId, key.UserId, state.Number, position, null));
    }

    private void Reverse(string subject, long position)
    {
        var (events, numbered) = reversible!.Value;
        var (_, withdrawn, given) = events.Reverse(subject);
        foreach (var number in given)
            numbered[number] = (position, null);
        foreach (var number in withdrawn)
            numbered[number] = (numbered[number].Position, position);
    }

    private void EndKey()
    {
        if (key == default)
            return;
        if (reversible is var (events, numbered))
        {
            state = events.State;
            foreach (var (number, (position, withdrawn)) in numbered)
                completions.Add((key.QuestId, key.UserId, number, position, withdrawn));
        }
        rows.Add((key.QuestId, key.UserId, state, received));
        key = default;
        reversible = null;
    }

    /// <summary>Writes the users that have ended. <paramref name="replace"/>: they may have rows of an earlier transaction.</summary>
    private async Task WriteAsync(bool replace, CancellationToken ct)
    {
        if (replace && rows.Count > 0)
        {
            await connection.Command("""
                delete from progress_rebuilt p
                using unnest($1, $2) k (quest_id, user_id)
                where p.quest_id = k.quest_id and p.user_id = k.user_id
                """, rows.Column(row => row.QuestId), rows.Column(row => row.UserId))
                .WithoutLimit()
                .ExecuteAsync(ct);
            // Where everything was folded again, completions too.
            await connection.Command("""
                delete from completions_rebuilt c
                using unnest($1, $2, $3) k (quest_id, user_id, number)
                where c.quest_id = k.quest_id and c.user_id = k.user_id and c.number = k.number
                """, completions.Column(one => one.QuestId), completions.Column(one => one.UserId), completions.Column(one => one.Number))
                .WithoutLimit()
                .ExecuteAsync(ct);
        }
        await using (var copy = await connection.BeginBinaryImportAsync(
            "copy progress_rebuilt (quest_id, user_id, streak, completions, period, withdrawn, received) from stdin (format binary)", ct))
        {
            foreach (var row in rows)
            {
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(row.QuestId, ct);
                await copy.WriteAsync(row.UserId, ct);
                await copy.WriteAsync(row.State.Streak, ct);
                await copy.WriteAsync(row.State.Completions, ct);
                await copy.WriteAsync(row.State.Period, ct);
                await copy.WriteAsync(row.State.Withdrawn, ct);
                await copy.WriteAsync(row.Received, ct);
            }
            await copy.CompleteAsync(ct);
        }
        await using (var copy = await connection.BeginBinaryImportAsync(
            "copy completions_rebuilt (quest_id, user_id, number, position, withdrawn) from stdin (format binary)", ct))
        {
            foreach (var (questId, userId, number, position, withdrawn) in completions)
            {
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(questId, ct);
                await copy.WriteAsync(userId, ct);
                await copy.WriteAsync(number, ct);
                await copy.WriteAsync(position, ct);
                await copy.WriteAsync(withdrawn, ct);
            }
            await copy.CompleteAsync(ct);
        }
        rows.Clear();
        completions.Clear();
    }
}
