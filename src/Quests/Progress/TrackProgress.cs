using System.Text.Json;
using Boon.Quests.Catalog;

namespace Boon.Quests.Progress;

/// <summary>
/// Receives each event that matches a quest: keeps it in the event store with the version of the rules that it is judged by, and moves the user's progress. An event
/// is received once; the rules lock and the checkpoint in the same transaction make a change of rules apply to exactly the events after it.
/// </summary>
internal static class TrackProgress
{
    /// <summary>A quest while a batch is judged.</summary>
    internal sealed record Running(
        QuestRules Rules, string Trigger, JsonElement? When, DateTime CreatedAt, bool AutoClaim, Guid RewardId, string Item, int Quantity);

    /// <summary>An event that matches a quest.</summary>
    internal sealed record Match(LoggedEvent Event, Running Quest, Guid UserId, int? Period);

    /// <summary>An event that was judged, and what the user's progress became.</summary>
    internal sealed record Judged(Match Match, Outcome Outcome, QuestState State);

    internal static async Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<QuestsDb> unit, CancellationToken ct)
    {
        var quests = await LoadQuestsAsync(unit, events, ct);
        var matches = Find(events, quests);
        if (matches.Count == 0)
        {
            unit.NoEffect();
            return;
        }
        var judged = await TryStoreAsync(unit, matches, again: false, ct)
            ?? await TryStoreAsync(unit, matches, again: QuestsDefences.OncePerEvent, ct)
            ?? throw new DbUpdateConcurrencyException("An event was received by somebody else under the lane's lock.");
        foreach (var one in judged)
            Append(unit, one);
    }

    /// <summary>Judges the events in log order and stores what comes out; null when some were received before and <paramref name="again"/> did not say to look.</summary>
    private static async Task<List<Judged>?> TryStoreAsync(Unit<QuestsDb> unit, List<Match> matches, bool again, CancellationToken ct)
    {
        var store = await ProgressStore.LoadAsync(unit, matches, again, ct);
        var judged = new List<Judged>(matches.Count);
        foreach (var match in matches)
            if (store.IsNew(match))
            {
                var (state, outcome) = QuestProgress.Apply(store.StateOf(match), match.Quest.Rules, match.Period);
                store.Set(match, state);
                judged.Add(new Judged(match, outcome, state));
            }
        return await store.TrySaveAsync(unit, judged, ct) ? judged : null;
    }

    /// <summary>The quests that these events can mean, as they stay until this batch commits.</summary>
    private static async Task<List<Running>> LoadQuestsAsync(Unit<QuestsDb> unit, IReadOnlyList<LoggedEvent> events, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(unit.Connection)
        {
            BatchCommands =
            {
                new(RulesLock.SharedStatement(unit.Database.Schema)),
                new("""
                    select q.id, q.version, q.state, q.streak, q.duplication, q.window_unit, q.time_zone, q.trigger, q.when_json, q.created_at, q.auto_claim, r.id, r.item, r.quantity
                    from quests.quests q join quests.rewards r on r.id = q.reward_id
                    where q.trigger = any ($1) and q.state in ('active', 'paused')
                    """) { Parameters = { new() { Value = EventTriggers.NamesOf(events) } } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        var quests = new List<Running>();
        while (await reader.ReadAsync(ct))
            quests.Add(new Running(
                QuestRules.Of(reader.GetGuid(0), reader.GetInt32(1), reader.GetString(2), reader.GetInt32(3), reader.GetInt32(4), TextAt(5), TextAt(6)),
                reader.GetString(7), TextAt(8) is { } when ? JsonSerializer.Deserialize<JsonElement>(when) : null, reader.GetDateTime(9), reader.GetBoolean(10),
                reader.GetGuid(11), reader.GetString(12), reader.GetInt32(13)));
        return quests;

        string? TextAt(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    private static List<Match> Find(IReadOnlyList<LoggedEvent> events, List<Running> quests)
    {
        var byType = events.Select(e => e.Type).Distinct(StringComparer.Ordinal)
            .ToDictionary(type => type, type => quests.FindAll(quest => EventTriggers.Means(quest.Trigger, type)), StringComparer.Ordinal);
        var matches = new List<Match>(events.Count);
        foreach (var e in events)
        {
            // Progress needs a user; a quest ignores what was recorded before it was created.
            if (e.UserId is not { } user || byType[e.Type] is not { Count: > 0 } meant)
                continue;
            using var data = meant.Exists(quest => quest.When is not null) ? e.Data() : null;
            foreach (var quest in meant)
                if (e.RecordedAt >= quest.CreatedAt && (quest.When is null || EventTriggers.Matches(quest.When, data!.RootElement)))
                    matches.Add(new Match(e, quest, user, quest.Rules.Window?.PeriodOf(e.HappenedAt)));
        }
        return matches;
    }

    private static void Append(Unit<QuestsDb> unit, Judged judged)
    {
        var ((e, quest, user, _), outcome, state) = judged;
        var rules = quest.Rules;
        if (outcome == Outcome.Progressed)
            unit.Append(new QuestProgressed(rules.QuestId, user, state.Streak, rules.Streak, state.Completions, rules.Duplication), e);
        if (outcome != Outcome.Completed)
            return;
        unit.Append(new QuestCompleted(rules.QuestId, user, state.Completions, quest.RewardId, quest.Item, quest.Quantity, quest.AutoClaim), e);
        if (quest.AutoClaim)
            unit.Append(new RewardClaimed(rules.QuestId, user, state.Completions, quest.RewardId, quest.Item, quest.Quantity, Automatic: true), e);
    }
}
