namespace Boon.Quests.Progress;

/// <summary>
/// The event store and the progress of the users of one batch: read at its start, written at its end. A user's events are in one lane, so
/// nobody else moves what is read here; each row is written only from where it was read all the same.
/// </summary>
internal sealed class ProgressStore
{
    private sealed class Row
    {
        internal QuestState State;
        internal long Received;
        internal long Before;
    }

    private readonly Dictionary<(Guid QuestId, Guid UserId), Row> rows = [];
    private readonly HashSet<(Guid QuestId, Guid UserId, string Source, long Sequence)> received = [];

    /// <summary>
    /// Reads the progress of everybody who is concerned; with <paramref name="again"/> also which of these events were received before.
    /// </summary>
    internal static async Task<ProgressStore> LoadAsync(
        Unit<QuestsDb> unit, List<TrackProgress.Match> matches, bool again, CancellationToken ct)
    {
        var store = new ProgressStore();
        foreach (var match in matches)
            store.rows.TryAdd((match.Quest.Rules.QuestId, match.UserId), new Row());
        await unit.Command("""
            select p.quest_id, p.user_id, p.streak, p.completions, p.period, p.withdrawn, p.received
            from unnest($1, $2) k (quest_id, user_id)
            cross join lateral (
                select *
                from quests.progress x
                where x.quest_id = k.quest_id and x.user_id = k.user_id
                offset 0) p
            """,
            store.rows.Keys.Column(key => key.QuestId),
            store.rows.Keys.Column(key => key.UserId))
            .ReadEachAsync(read =>
            {
                var row = store.rows[(read.GetGuid(0), read.GetGuid(1))];
                row.State = StateAt(read, 2);
                row.Before = row.Received = read.GetInt64(6);
            }, ct);
        if (!again)
            return store;
        await unit.Command("""
            select r.quest_id, r.user_id, r.source, r.sequence
            from unnest($1, $2, $3, $4) k (quest_id, user_id, source, sequence)
            cross join lateral (
                select *
                from quests.received x
                where x.user_id = k.user_id and x.quest_id = k.quest_id and x.sequence = k.sequence and x.source = k.source
                offset 0) r
            """,
            matches.Column(match => match.Quest.Rules.QuestId),
            matches.Column(match => match.UserId),
            matches.Column(match => match.Event.Source),
            matches.Column(match => match.Event.Sequence))
            .ReadEachAsync(read => store.received.Add((read.GetGuid(0), read.GetGuid(1), read.GetString(2), read.GetInt64(3))), ct);
        return store;
    }

    /// <summary>The columns <c>streak</c>, <c>completions</c>, <c>period</c> and <c>withdrawn</c>, of which this is the first.</summary>
    internal static QuestState StateAt(NpgsqlDataReader reader, int column) =>
        new(reader.GetInt32(column), reader.GetInt32(column + 1), reader.GetNullable<int>(column + 2), reader.GetInt32(column + 3));

    /// <summary>False for an event that the quest has received before: it came twice.</summary>
    internal bool IsNew(TrackProgress.Match match) =>
        !received.Contains((match.Quest.Rules.QuestId, match.UserId, match.Event.Source, match.Event.Sequence));

    internal QuestState StateOf(TrackProgress.Match match) => rows[(match.Quest.Rules.QuestId, match.UserId)].State;

    internal void Set(TrackProgress.Match match, QuestState state)
    {
        var row = rows[(match.Quest.Rules.QuestId, match.UserId)];
        row.State = state;
        row.Received++;
    }

    /// <summary>
    /// Writes the events, the progress that moved and the completions. False: an event was received before, and nothing was written.
    /// </summary>
    internal async Task<bool> TrySaveAsync(Unit<QuestsDb> unit, List<TrackProgress.ReceivedEvent> judged, CancellationToken ct)
    {
        if (judged.Count == 0)
            return true;
        if (!await TryReceiveAsync(unit, judged, ct))
            return false;
        var trip = new RoundTrip(unit);
        // Those that stay open lie in each other: from the 65th on, whoever looks at this transaction's rows looks on the disk.
        trip.Add("release savepoint received");
        var moved = rows.Where(row => row.Value.Received > row.Value.Before).ToList();
        AddFirst(trip, moved.FindAll(row => row.Value.Before == 0));
        AddNext(trip, moved.FindAll(row => row.Value.Before > 0));
        AddCompletions(trip, judged.FindAll(one => one.Outcome == Outcome.Completed));
        await trip.RunAsync(ct);
        return true;
    }

    /// <summary>
    /// Keeps the events. The unique key says whether one of them was received before: hardly ever, so nobody asks beforehand.
    /// </summary>
    private static async Task<bool> TryReceiveAsync(Unit<QuestsDb> unit, List<TrackProgress.ReceivedEvent> judged, CancellationToken ct)
    {
        await unit.Command("savepoint received").ExecuteAsync(ct);
        try
        {
            await using var copy = await unit.Connection.BeginBinaryImportAsync("""
                copy quests.received (
                    quest_id, version, user_id, source, sequence, event_id, type, happened_at, recorded_at, period, outcome, streak,
                    completions, subject)
                from stdin (format binary)
                """, ct);
            foreach (var ((e, quest, userId, period), outcome, state) in judged)
            {
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(quest.Rules.QuestId, ct);
                await copy.WriteAsync(quest.Rules.Version, ct);
                await copy.WriteAsync(userId, ct);
                await copy.WriteAsync(e.Source, ct);
                await copy.WriteAsync(e.Sequence, ct);
                await copy.WriteAsync(e.Id, ct);
                await copy.WriteAsync(e.Type, ct);
                await copy.WriteAsync(e.HappenedAt, ct);
                await copy.WriteAsync(e.RecordedAt, ct);
                await copy.WriteAsync(period, ct);
                await copy.WriteAsync(QuestProgress.NameOf(outcome), ct);
                await copy.WriteAsync(state.Streak, ct);
                await copy.WriteAsync(state.Completions, ct);
                await copy.WriteAsync(quest.Reversible ? e.AggregateId : null, ct);
                FaultPoints.Reach("copy");
            }
            await copy.CompleteAsync(ct);
            return true;
        }
        catch (PostgresException error) when (error.ViolatedConstraint() == "received_once")
        {
            await unit.Command("rollback to savepoint received; release savepoint received").ExecuteAsync(ct);
            return false;
        }
    }

    private static void AddFirst(RoundTrip trip, List<KeyValuePair<(Guid QuestId, Guid UserId), Row>> first)
    {
        if (first.Count == 0)
            return;
        trip.Add("""
            insert into quests.progress (quest_id, user_id, streak, completions, period, received)
            select *
            from unnest($1, $2, $3, $4, $5, $6)
            """,
            first.Column(row => row.Key.QuestId),
            first.Column(row => row.Key.UserId),
            first.Column(row => row.Value.State.Streak),
            first.Column(row => row.Value.State.Completions),
            first.Column(row => row.Value.State.Period),
            first.Column(row => row.Value.Received));
    }

    private static void AddNext(RoundTrip trip, List<KeyValuePair<(Guid QuestId, Guid UserId), Row>> next)
    {
        if (next.Count == 0)
            return;
        trip.Add("""
            update quests.progress p
            set streak = k.streak, completions = k.completions, period = k.period, received = k.received
            from unnest($1, $2, $3, $4, $5, $6, $7) k (quest_id, user_id, streak, completions, period, received, before)
            cross join lateral (
                select x.ctid
                from quests.progress x
                where x.quest_id = k.quest_id and x.user_id = k.user_id and x.received = k.before
                offset 0) at
            where p.ctid = at.ctid
            """,
            next.Column(row => row.Key.QuestId),
            next.Column(row => row.Key.UserId),
            next.Column(row => row.Value.State.Streak),
            next.Column(row => row.Value.State.Completions),
            next.Column(row => row.Value.State.Period),
            next.Column(row => row.Value.Received),
            next.Column(row => row.Value.Before))
            .MustTouch(next.Count, "Progress moved under its lane's lock.");
    }

    private static void AddCompletions(RoundTrip trip, List<TrackProgress.ReceivedEvent> completed)
    {
        if (completed.Count == 0)
            return;
        trip.Add("""
            insert into quests.completions (quest_id, user_id, number, version, source, sequence, completed_at, reward_id, claimed_at)
            select quest_id, user_id, number, version, source, sequence, completed_at, reward_id, case when auto_claim then now() end
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) with ordinality
                as c (quest_id, user_id, number, version, source, sequence, completed_at, reward_id, auto_claim, place)
            order by place
            """,
            completed.Column(one => one.Match.Quest.Rules.QuestId),
            completed.Column(one => one.Match.UserId),
            completed.Column(one => one.State.Number),
            completed.Column(one => one.Match.Quest.Rules.Version),
            completed.Column(one => one.Match.Event.Source),
            completed.Column(one => one.Match.Event.Sequence),
            completed.Column(one => one.Match.Event.HappenedAt),
            completed.Column(one => one.Match.Quest.RewardId),
            completed.Column(one => one.Match.Quest.AutoClaim));
    }
}
