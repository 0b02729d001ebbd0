using Boon.Quests.Catalog;

namespace Boon.Quests.Progress;

/// <summary>Shows operators how many users stand at each step of a quest.</summary>
internal static class GetSteps
{
    /// <summary>How far a quest's users are.</summary>
    /// <param name="QuestId">The quest.</param>
    /// <param name="StreakOf">Events that a completion needs.</param>
    /// <param name="CompletionsOf">Completions that are possible.</param>
    /// <param name="Users">Users with at least one event.</param>
    /// <param name="Completions">Completions of all users.</param>
    /// <param name="Steps">The steps with a user on them, the furthest last.</param>
    /// <param name="Next">The cursor of the next steps, or null at the end.</param>
    /// <example>
    /// {"questId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "streakOf": 3, "completionsOf": 2, "users": 100, "completions": 40,
    /// "steps": [{"completions": 0, "streak": 2, "users": 60}, {"completions": 1, "streak": 0, "users": 40}], "next": null}
    /// </example>
    internal sealed record StepsView(
        Guid QuestId, int StreakOf, int CompletionsOf, long Users, long Completions, IReadOnlyList<Step> Steps,
        [property: System.Text.Json.Serialization.JsonIgnore(
            Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)] string? Next);

    /// <summary>A step, and how many users stand on it.</summary>
    /// <param name="Completions">Completions so far.</param>
    /// <param name="Streak">Events stored towards the next one; a missed window shows when the next event comes.</param>
    /// <param name="Users">How many.</param>
    internal sealed record Step(int Completions, int Streak, long Users);

    private sealed record Place(int Completions, int Streak);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/{id}/steps", Handle)
        .ForOperators().WithTags("Quests")
        .WithSummary("How many users are at each step of a quest, in pages.")
        .Produces<StepsView>()
        .CatchesUp(QuestsModule.TrackProgressSubscription);

    private static async Task<IResult> Handle(
        string id, [AsParameters] PageQuery page, CatalogReader catalog, ModuleDatabase<QuestsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Place? after, out var problem))
            return problem!;
        if (!Guid.TryParse(id, out var questId) || !catalog.Current.Quests.TryGetValue(questId, out var quest))
            return Problems.NotFound("quest");
        var (users, full, last, completed, all) = await CountAsync(module, questId, after, limit, ct);
        var steps = users.Where(step => step.Value > 0 && (!full || step.Key.CompareTo(last) <= 0))
            .Select(step => new Step((int)step.Key.Completions, step.Key.Streak, step.Value)).ToList();
        var shown = PageQuery.Page(steps, limit, step => new Place(step.Completions, step.Streak));
        return TypedResults.Ok(new StepsView(questId, quest.Streak, quest.Duplication, all, completed, shown.Data, shown.Next));
    }

    /// <summary>
    /// The users of the next steps (all steps up to <c>Last</c>, and of further ones only what changed, when <c>Full</c>), and the totals.
    /// </summary>
    private static async Task<(
        SortedDictionary<(long Completions, int Streak), long> Users, bool Full, (long, int) Last, long Completions, long All)> CountAsync(
            ModuleDatabase<QuestsDb> module, Guid questId, Place? after, int limit, CancellationToken ct)
    {
        var users = new SortedDictionary<(long Completions, int Streak), long>();
        var (last, full, completed, all) = ((long.MaxValue, int.MaxValue), false, 0L, 0L);
        // A change can empty a step: with as many steps more as there are changes, a page has what it needs.
        await module.Command("""
            with changes as materialized (
                select completions, streak, sum(users) as users
                from quests.step_changes
                where quest_id = $1
                group by completions, streak
            ), stored as materialized (
                select completions, streak, users
                from quests.steps
                where quest_id = $1 and (completions, streak) > ($2, $3)
                order by completions, streak
                limit $4 + (select count(*) from changes)
            )
            select 'step', completions::bigint, streak, users::bigint
            from stored
            union all
            select 'change', completions, streak, users::bigint
            from changes
            where (completions, streak) > ($2, $3)
            union all
            select 'full', (count(*) = $4 + (select count(*) from changes))::int, 0, 0
            from stored
            union all
            select 'total', coalesce(sum(completions), 0)::bigint, 0, coalesce(sum(users), 0)::bigint
            from (
                select completions, users from quests.totals where quest_id = $1
                union all
                select completions * users, users from changes) t
            """, questId, after?.Completions ?? -1, after?.Streak ?? -1, (long)limit + 1)
            .ReadEachAsync(row =>
            {
                var (place, count) = ((row.GetInt64(1), row.GetInt32(2)), row.GetInt64(3));
                switch (row.GetString(0))
                {
                    case "full":
                        full = place.Item1 == 1;
                        break;
                    case "total":
                        (completed, all) = (place.Item1, count);
                        break;
                    case "step":
                        last = place;
                        users[place] = users.GetValueOrDefault(place) + count;
                        break;
                    default:
                        users[place] = users.GetValueOrDefault(place) + count;
                        break;
                }
            }, ct);
        return (users, full, last, completed, all);
    }
}
