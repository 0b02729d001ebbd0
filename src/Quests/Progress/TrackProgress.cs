using System.Collections.Frozen;
using System.Text.Json;

namespace Boon.Quests.Progress;

/// <summary>A quest as events are judged by it: parsed once for each version of its rules.</summary>
internal sealed record QuestRule(
    Guid Id, string Trigger, JsonElement? When, RuleStart Start, QuestRules Rules, bool AutoClaim, Guid RewardId, string Item,
    int Quantity, bool Reversible) : EventRule(Id, Trigger, When, Start, Until: null)
{
    /// <summary>Reads what has changed; drafts and ended quests judge nothing.</summary>
    internal const string Select = """
        select q.id, q.state in ('active', 'paused'), q.trigger, q.when_json::text, q.counts_after::text, q.created_at,
            q.version, q.state, q.streak, q.duplication, q.window_unit, q.time_zone, q.auto_claim, r.id, r.item,
            r.quantity, q.reversed_by is not null
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
            reader.GetBoolean(12), reader.GetGuid(13), reader.GetString(14), reader.GetInt32(15), reader.GetBoolean(16));
    }
}

/// <summary>
/// Receives each event that matches a quest: keeps it in the event store with the version of the rules that it is judged by, and moves the
/// user's progress. Events that reverse others go to <see cref="ReverseProgress"/>, in the user's order. An event is received once; the
/// rules lock and the checkpoint in the same transaction make a change of rules apply to exactly the events after it.
/// </summary>
internal sealed class TrackProgress(ILogger<TrackProgress> logger)
{
    /// <summary>Matches in a transaction, at most, but for those of its last event, which are written in pieces of as many.</summary>
    private const int MostTogether = 5_000;

    private sealed record Reversing(RuleIndex<QuestRule> Index, FrozenSet<string> Types);

    private volatile Reversing? reversing;
    private readonly RuleCache<QuestRule> quests = new(QuestsModule.ModuleName, QuestRule.Select, QuestRule.Read, logger);

    /// <summary>An event that matches a quest.</summary>
    internal sealed record Match(LoggedEvent Event, QuestRule Quest, Guid UserId, int? Period);

    /// <summary>An event that was judged, and what the user's progress became.</summary>
    internal sealed record ReceivedEvent(Match Match, Outcome Outcome, QuestState State);

    internal async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<QuestsDb> unit, CancellationToken ct)
    {
        var index = await quests.ReadAsync(unit, events[0].RecordedAt, ct);
        var reversing = await ReversingAsync(unit, index, ct);
        var (looked, wrote, taken) = (0, false, 0);
        var (matches, reversals, reversers) = (new List<Match>(), new Dictionary<(Guid, string), LoggedEvent>(), new HashSet<Guid>());
        for (; taken < events.Count && looked < MostTogether; taken++)
        {
            // Progress needs a user.
            var e = events[taken];
            if (e.UserId is not { } user)
                continue;
            foreach (var quest in index.Match(e))
            {
                if (!TryPeriod(quest, e, out var period))
                    continue;
                looked++;
                // What this user takes back came before.
                if (reversers.Contains(user))
                    await JudgeAsync();
                matches.Add(new Match(e, quest, user, period));
                if (matches.Count == MostTogether)
                    await JudgeAsync();
            }
            if (!reversing.Contains(e.Type) && !reversing.Contains(e.Kind))
                continue;
            looked++;
            // One after the other, if they are about the same thing.
            if (reversals.ContainsKey((user, e.AggregateId)))
                await JudgeAsync();
            reversals.Add((user, e.AggregateId), e);
            reversers.Add(user);
        }
        await JudgeAsync();
        return BatchEffect.Of(wrote).Taking(taken);

        async Task JudgeAsync()
        {
            if (matches.Count > 0)
            {
                foreach (var one in await StoreAsync(unit, matches, ct))
                    Append(unit, one);
                wrote = true;
            }
            if (reversals.Count > 0)
                wrote |= await ReverseProgress.RunAsync(unit, reversals.Values, ct);
            matches.Clear();
            reversals.Clear();
            reversers.Clear();
            await unit.SaveAsync(ct);
        }
    }

    /// <summary>
    /// The names of the events that reverse what counted for some quest: an ended one too, for what it gave can be taken back.
    /// </summary>
    private async Task<FrozenSet<string>> ReversingAsync(Unit<QuestsDb> unit, RuleIndex<QuestRule> index, CancellationToken ct)
    {
        // There is another index whenever a quest was made or changed.
        if (reversing is { } known && ReferenceEquals(known.Index, index))
            return known.Types;
        var types = await unit.Command("select distinct reversed_by from quests.quests where reversed_by is not null")
            .ReadAllAsync(row => row.GetString(0), ct);
        var loaded = types.ToFrozenSet(StringComparer.Ordinal);
        reversing = new Reversing(index, loaded);
        return loaded;
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

    private static async Task<List<ReceivedEvent>> StoreAsync(Unit<QuestsDb> unit, List<Match> matches, CancellationToken ct) =>
        await TryStoreAsync(unit, matches, again: false, ct)
            ?? await TryStoreAsync(unit, matches, again: QuestsDefences.OncePerEvent.On, ct)
            ?? throw new DbUpdateConcurrencyException("An event was received by somebody else under the lane's lock.");

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
        if (outcome == Outcome.Completed)
            AppendCompleted(
                unit, new QuestCompleted(
                    rules.QuestId, user, state.Number, quest.RewardId, quest.Item, quest.Quantity, quest.AutoClaim), e);
    }

    /// <summary>Logs a completion, and its claim if that comes by itself.</summary>
    internal static void AppendCompleted(Unit<QuestsDb> unit, QuestCompleted completed, LoggedEvent cause)
    {
        unit.Append(completed, cause);
        if (completed.AutoClaim)
            unit.Append(new RewardClaimed(
                completed.QuestId, completed.UserId, completed.Number, completed.RewardId, completed.Item, completed.Quantity,
                Automatic: true), cause);
    }
}
