using Key = (System.Guid QuestId, System.Guid UserId);

namespace Boon.Quests.Progress;

/// <summary>
/// Takes back what counted of the things that events reverse: the received events are marked, the progress becomes what those that stand
/// give, and completions that no longer stand are withdrawn. A reversal of nothing, or of what was reversed before, changes nothing.
/// </summary>
internal static class ReverseProgress
{
    /// <summary>A user of a quest, as stored and as it becomes.</summary>
    private sealed class Row
    {
        internal required StandingEvents Events { get; init; }
        internal required long Before { get; init; }
        internal long Received { get; set; }
    }

    /// <summary>A quest by which a reversal is judged: its rules, and what it gives now.</summary>
    private sealed record Judge(QuestRules Rules, Guid RewardId, string Item, int Quantity, bool AutoClaim);

    /// <summary>What an event did to a user's progress with a quest.</summary>
    private sealed record Reversal(
        LoggedEvent Event, Key Key, Judge Quest, QuestState State, IReadOnlyList<long> Reversed, IReadOnlyList<int> Withdrawn,
        IReadOnlyList<int> Given, bool Moved);

    /// <summary>
    /// Reverses, in their order; no two are about the same thing and user. True: something was reversed.
    /// </summary>
    internal static async Task<bool> RunAsync(Unit<QuestsDb> unit, IReadOnlyCollection<LoggedEvent> events, CancellationToken ct)
    {
        var found = await FindAsync(unit, [.. events], ct);
        if (found.Count == 0)
            return false;
        var quests = await ReadQuestsAsync(unit, found, ct);
        var rows = await ReadRowsAsync(unit, found, quests.Versions, ct);
        var reversals = new List<Reversal>(found.Count);
        foreach (var (e, key) in found)
        {
            var row = rows[key];
            var before = row.Events.State;
            var (reversed, withdrawn, given) = row.Events.Reverse(e.AggregateId);
            row.Received++;
            var state = row.Events.State;
            reversals.Add(new Reversal(
                e, key, quests.Current[key.QuestId], state, reversed.ConvertAll(one => one.Position), withdrawn, given,
                (before.Streak, before.Completions) != (state.Streak, state.Completions)));
        }
        await StoreAsync(unit, rows, reversals, ct);
        return true;
    }

    /// <summary>The quests that received something of what is reversed, and name the event that does it.</summary>
    private static Task<List<(LoggedEvent Event, Key Key)>> FindAsync(Unit<QuestsDb> unit, LoggedEvent[] events, CancellationToken ct) =>
        unit.Command($"""
            select k.place::int, r.quest_id
            from unnest($1, $2, $3, $4, $5, $6) with ordinality k (user_id, subject, type, kind, source, sequence, place)
            cross join lateral (
                select distinct x.quest_id
                from quests.received x
                where x.user_id = k.user_id and x.subject = k.subject and x.subject is not null and x.reversed_by is null
                    and x.outcome <> 'reversed'
                    {QuestsDefences.OncePerEvent.Sql("and (x.source <> k.source or x.sequence < k.sequence)")}
                offset 0) r
            cross join lateral (
                select
                from quests.quests q
                where q.id = r.quest_id and q.reversed_by in (k.type, k.kind)
                offset 0) q
            where not exists (
                select
                from quests.received t
                where t.user_id = k.user_id and t.quest_id = r.quest_id and t.sequence = k.sequence and t.source = k.source)
            order by k.place, r.quest_id
            """,
            events.Column(e => e.UserId!.Value), events.Column(e => e.AggregateId), events.Column(e => e.Type),
            events.Column(e => e.Kind), events.Column(e => e.Source), events.Column(e => e.Sequence))
            .ReadAllAsync(row => (events[row.GetInt32(0) - 1], (row.GetGuid(1), events[row.GetInt32(0) - 1].UserId!.Value)), ct);

    private static async Task<(Dictionary<Guid, Judge> Current, Dictionary<(Guid QuestId, int Version), QuestRules> Versions)>
        ReadQuestsAsync(Unit<QuestsDb> unit, List<(LoggedEvent Event, Key Key)> found, CancellationToken ct)
    {
        var current = new Dictionary<Guid, Judge>();
        var versions = new Dictionary<(Guid, int), QuestRules>();
        await unit.Command("""
            select v.quest_id, v.version, v.state, v.streak, v.duplication, q.window_unit, q.time_zone, q.version, q.auto_claim, w.id,
                w.item, w.quantity
            from quests.quests q
            join quests.rewards w on w.id = q.reward_id
            join quests.versions v on v.quest_id = q.id
            where q.id = any ($1)
            """, found.Select(one => one.Key.QuestId).Distinct().ToArray())
            .ReadEachAsync(row =>
            {
                var (quest, version) = (row.GetGuid(0), row.GetInt32(1));
                var rules = versions[(quest, version)] = QuestRules.Of(
                    quest, version, row.GetString(2), row.GetInt32(3), row.GetInt32(4), row.GetNullable<string>(5),
                    row.GetNullable<string>(6));
                if (version == row.GetInt32(7))
                    current[quest] = new Judge(rules, row.GetGuid(9), row.GetString(10), row.GetInt32(11), row.GetBoolean(8));
            }, ct);
        return (current, versions);
    }

    private static async Task<Dictionary<Key, Row>> ReadRowsAsync(
        Unit<QuestsDb> unit, List<(LoggedEvent Event, Key Key)> found, Dictionary<(Guid QuestId, int Version), QuestRules> rules,
        CancellationToken ct)
    {
        var keys = found.Select(one => one.Key).Distinct().ToList();
        var trip = new RoundTrip(unit);
        var events = trip.Add("""
            select r.quest_id, r.user_id, r.position, r.subject, r.version, r.period
            from unnest($1, $2) k (quest_id, user_id)
            cross join lateral (
                select *
                from quests.received x
                where x.user_id = k.user_id and x.quest_id = k.quest_id and x.subject is not null and x.reversed_by is null
                    and x.outcome <> 'reversed'
                offset 0) r
            order by r.position
            """, keys.Column(key => key.QuestId), keys.Column(key => key.UserId))
            .All(row => (KeyAt(row), Event: new StandingEvent(
                row.GetInt64(2), row.GetString(3), rules[(row.GetGuid(0), row.GetInt32(4))], row.GetNullable<int>(5))));
        var numbers = trip.Add("""
            select c.quest_id, c.user_id, c.number
            from unnest($1, $2) k (quest_id, user_id)
            cross join lateral (
                select *
                from quests.completions x
                where x.user_id = k.user_id and x.quest_id = k.quest_id and x.withdrawn_at is null
                offset 0) c
            order by c.number
            """, keys.Column(key => key.QuestId), keys.Column(key => key.UserId))
            .All(row => (KeyAt(row), Number: row.GetInt32(2)));
        var progress = trip.Add("""
            select p.quest_id, p.user_id, p.withdrawn, p.received
            from unnest($1, $2) k (quest_id, user_id)
            cross join lateral (
                select *
                from quests.progress x
                where x.quest_id = k.quest_id and x.user_id = k.user_id
                offset 0) p
            """, keys.Column(key => key.QuestId), keys.Column(key => key.UserId))
            .All(row => (KeyAt(row), Withdrawn: row.GetInt32(2), Received: row.GetInt64(3)));
        await trip.RunAsync(ct);
        var eventsOf = events.ToLookup(one => one.Item1, one => one.Event);
        var numbersOf = numbers.ToLookup(one => one.Item1, one => one.Number);
        return progress.ToDictionary(one => one.Item1, one => new Row
        {
            Events = new StandingEvents(eventsOf[one.Item1], numbersOf[one.Item1], one.Withdrawn),
            Before = one.Received,
            Received = one.Received,
        });
    }

    private static Key KeyAt(NpgsqlDataReader row) => (row.GetGuid(0), row.GetGuid(1));

    private static async Task StoreAsync(Unit<QuestsDb> unit, Dictionary<Key, Row> rows, List<Reversal> reversals, CancellationToken ct)
    {
        var positions = await ReceiveAsync(unit, reversals, ct);
        var marks = reversals.SelectMany(one => one.Reversed.Select(position => (position, By: positions[(one.Key, one.Event.Id)])))
            .ToList();
        var trip = new RoundTrip(unit);
        trip.Add("""
            update quests.received r
            set reversed_by = k.reversed_by
            from unnest($1, $2) k (position, reversed_by)
            where r.position = k.position and r.reversed_by is null
            """, marks.Column(mark => mark.position), marks.Column(mark => mark.By))
            .MustTouch(marks.Count, "An event was reversed by somebody else under the lane's lock.");
        trip.Add("""
            update quests.progress p
            set streak = k.streak, completions = k.completions, period = k.period, withdrawn = k.withdrawn, received = k.received
            from unnest($1, $2, $3, $4, $5, $6, $7, $8) k (quest_id, user_id, streak, completions, period, withdrawn, received, before)
            where p.quest_id = k.quest_id and p.user_id = k.user_id and p.received = k.before
            """,
            rows.Column(row => row.Key.QuestId), rows.Column(row => row.Key.UserId), rows.Column(row => row.Value.Events.State.Streak),
            rows.Column(row => row.Value.Events.State.Completions), rows.Column(row => row.Value.Events.State.Period),
            rows.Column(row => row.Value.Events.State.Withdrawn), rows.Column(row => row.Value.Received),
            rows.Column(row => row.Value.Before))
            .MustTouch(rows.Count, "Progress moved under its lane's lock.");
        var given = reversals.SelectMany(one => one.Given.Select(number => (Reversal: one, Number: number))).ToList();
        if (given.Count > 0)
            trip.Add("""
                insert into quests.completions (quest_id, user_id, number, version, source, sequence, completed_at, reward_id, claimed_at)
                select quest_id, user_id, number, version, source, sequence, completed_at, reward_id, case when auto_claim then now() end
                from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) with ordinality
                    as c (quest_id, user_id, number, version, source, sequence, completed_at, reward_id, auto_claim, place)
                order by place
                """,
                given.Column(one => one.Reversal.Key.QuestId), given.Column(one => one.Reversal.Key.UserId),
                given.Column(one => one.Number), given.Column(one => one.Reversal.Quest.Rules.Version),
                given.Column(one => one.Reversal.Event.Source), given.Column(one => one.Reversal.Event.Sequence),
                given.Column(one => one.Reversal.Event.HappenedAt), given.Column(one => one.Reversal.Quest.RewardId),
                given.Column(one => one.Reversal.Quest.AutoClaim));
        await trip.RunAsync(ct);
        var withdrawn = await WithdrawCompletions.RunAsync(
            unit, [.. reversals.SelectMany(one => one.Withdrawn.Select(number => (one.Key.QuestId, one.Key.UserId, number)))], ct);
        foreach (var one in reversals)
            Append(unit, one, withdrawn);
    }

    /// <summary>Keeps the reversals in the event store; answers their positions.</summary>
    private static async Task<Dictionary<(Key Key, Guid EventId), long>> ReceiveAsync(
        Unit<QuestsDb> unit, List<Reversal> reversals, CancellationToken ct)
    {
        var positions = new Dictionary<(Key Key, Guid EventId), long>();
        await unit.Command("""
            insert into quests.received (
                quest_id, version, user_id, source, sequence, event_id, type, happened_at, recorded_at, outcome, streak, completions,
                subject)
            select quest_id, version, user_id, source, sequence, event_id, type, happened_at, recorded_at, 'reversed', streak, completions,
                subject
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) with ordinality r (
                quest_id, version, user_id, source, sequence, event_id, type, happened_at, recorded_at, streak, completions, subject, place)
            order by place
            returning quest_id, user_id, event_id, position
            """,
            reversals.Column(one => one.Key.QuestId), reversals.Column(one => one.Quest.Rules.Version),
            reversals.Column(one => one.Key.UserId), reversals.Column(one => one.Event.Source),
            reversals.Column(one => one.Event.Sequence), reversals.Column(one => one.Event.Id), reversals.Column(one => one.Event.Type),
            reversals.Column(one => one.Event.HappenedAt), reversals.Column(one => one.Event.RecordedAt),
            reversals.Column(one => one.State.Streak), reversals.Column(one => one.State.Completions),
            reversals.Column(one => one.Event.AggregateId))
            .ReadEachAsync(row => positions.Add((KeyAt(row), row.GetGuid(2)), row.GetInt64(3)), ct);
        return positions;
    }

    private static void Append(
        Unit<QuestsDb> unit, Reversal one, Dictionary<(Guid QuestId, Guid UserId, int Number), WithdrawCompletions.Withdrawn> withdrawn)
    {
        var (quest, user) = one.Key;
        var (rules, state) = (one.Quest.Rules, one.State);
        if (one.Moved)
            unit.Append(new ProgressReversed(quest, user, state.Streak, rules.Streak, state.Completions, rules.Duplication), one.Event);
        foreach (var number in one.Given)
            TrackProgress.AppendCompleted(
                unit, new QuestCompleted(
                    quest, user, number, one.Quest.RewardId, one.Quest.Item, one.Quest.Quantity, one.Quest.AutoClaim), one.Event);
        foreach (var number in one.Withdrawn)
        {
            var (reward, item, quantity, claimed) = withdrawn[(quest, user, number)];
            unit.Append(new CompletionWithdrawn(quest, user, number, reward, item, quantity, claimed), one.Event);
        }
    }
}
