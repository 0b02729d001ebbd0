using System.Text.Json;

namespace Boon.Quests.Progress;

/// <summary>A quest as events are judged by it: parsed once for each version of its rules.</summary>
internal sealed record QuestRule(
    Guid Id, string Trigger, JsonElement? When, RuleStart Start, QuestRules Rules, bool AutoClaim, Guid RewardId, string Item,
    int Quantity) : EventRule(Id, Trigger, When, Start, Until: null)
{
    /// <summary>Reads what has changed; drafts and ended quests judge nothing.</summary>
    internal const string Select = """
        select q.id, q.state in ('active', 'paused'), q.trigger, q.when_json::text, q.counts_after::text, q.created_at,
            q.version, q.state, q.streak, q.duplication, q.window_unit, q.time_zone, q.auto_claim, r.id, r.item, r.quantity
        from (
            select *
            from quests.quests
            where rules_version > $1 and ($1 >= 0 or state in ('active', 'paused'))
            offset 0) q
        join quests.rewards r on r.id = q.reward_id
        """;

    internal static QuestRule Read(NpgsqlDataReader reader)
    {
        var id = reader.GetGuid(0);
        return new QuestRule(
            id, reader.GetString(2),
            reader.GetNullable<string>(3) is { } when ? JsonSerializer.Deserialize<JsonElement>(when) : null, RuleStart.Read(reader, 4),
            QuestRules.Of(
                id, reader.GetInt32(6), reader.GetString(7), reader.GetInt32(8), reader.GetInt32(9),
                reader.GetNullable<string>(10), reader.GetNullable<string>(11)),
            reader.GetBoolean(12), reader.GetGuid(13), reader.GetString(14), reader.GetInt32(15));
    }
}

/// <summary>
/// Receives each event that matches a quest: keeps it in the event store with the version of the rules that it is judged by, and moves the
/// user's progress. An event is received once; the rules lock and the checkpoint in the same transaction make a change of rules apply to
/// exactly the events after it.
/// </summary>
internal sealed class TrackProgress(ILogger<TrackProgress> logger)
{
    /// <summary>Matches in a transaction, at most, but for those of its last event, which are written in pieces of as many.</summary>
    private const int MostTogether = 5_000;

    private readonly RuleCache<QuestRule> quests = new(QuestsModule.ModuleName, QuestRule.Select, QuestRule.Read, logger);

    /// <summary>An event that matches a quest.</summary>
    internal sealed record Match(LoggedEvent Event, QuestRule Quest, Guid UserId, int? Period);

    /// <summary>An event that was judged, and what the user's progress became.</summary>
    internal sealed record ReceivedEvent(Match Match, Outcome Outcome, QuestState State);

    internal async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<QuestsDb> unit, CancellationToken ct)
    {
        var index = await quests.ReadAsync(unit, events[0].RecordedAt, ct);
        var (matched, taken) = (0, 0);
        var matches = new List<Match>();
        for (; taken < events.Count && matched < MostTogether; taken++)
        {
            // Progress needs a user.
            if (events[taken].UserId is not { } user)
                continue;
            foreach (var quest in index.Match(events[taken]))
            {
                if (!TryPeriod(quest, events[taken], out var period))
                    continue;
                matched++;
                matches.Add(new Match(events[taken], quest, user, period));
                if (matches.Count == MostTogether)
                    await JudgeAsync();
            }
        }
        await JudgeAsync();
        return BatchEffect.Of(matched > 0).Taking(taken);

        async Task JudgeAsync()
        {
            if (matches.Count == 0)
                return;
            var judged = await TryStoreAsync(unit, matches, again: false, ct)
                ?? await TryStoreAsync(unit, matches, again: QuestsDefences.OncePerEvent.On, ct)
                ?? throw new DbUpdateConcurrencyException("An event was received by somebody else under the lane's lock.");
            foreach (var one in judged)
                Append(unit, one);
            matches.Clear();
            await unit.SaveAsync(ct);
        }
    }

    private bool TryPeriod(QuestRule quest, LoggedEvent e, out int? period)
    {
        period = null;
        try
        {
            period = quest.Rules.Window?.PeriodOf(e.HappenedAt);
            return true;
        }
        catch (Exception error)
        {
            quests.Failed(quest, e, error);
            return false;
        }
    }

    /// <summary>
    /// Judges the events in log order and stores what comes out; null when some were received before and <paramref name="again"/> did not
    /// say to look.
    /// </summary>
    private static async Task<List<ReceivedEvent>?> TryStoreAsync(
        Unit<QuestsDb> unit, List<Match> matches, bool again, CancellationToken ct)
    {
        var store = await ProgressStore.LoadAsync(unit, matches, again, ct);
        var judged = new List<ReceivedEvent>(matches.Count);
        foreach (var match in matches)
            if (store.IsNew(match))
            {
                var (state, outcome) = QuestProgress.Apply(store.StateOf(match), match.Quest.Rules, match.Period);
                store.Set(match, state);
                judged.Add(new ReceivedEvent(match, outcome, state));
            }
        return await store.TrySaveAsync(unit, judged, ct) ? judged : null;
    }

    private static void Append(Unit<QuestsDb> unit, ReceivedEvent judged)
    {
        var ((e, quest, user, _), outcome, state) = judged;
        var rules = quest.Rules;
        if (outcome == Outcome.Progressed)
            unit.Append(new QuestProgressed(rules.QuestId, user, state.Streak, rules.Streak, state.Completions, rules.Duplication), e);
        if (outcome != Outcome.Completed)
            return;
        unit.Append(new QuestCompleted(
            rules.QuestId, user, state.Completions, quest.RewardId, quest.Item, quest.Quantity, quest.AutoClaim), e);
        if (quest.AutoClaim)
            unit.Append(new RewardClaimed(
                rules.QuestId, user, state.Completions, quest.RewardId, quest.Item, quest.Quantity, Automatic: true), e);
    }
}
