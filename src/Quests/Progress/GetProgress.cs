using Boon.Quests.Catalog;

namespace Boon.Quests.Progress;

/// <summary>Shows a user's progress with every quest.</summary>
internal static class GetProgress
{
    /// <summary>A user's progress with a quest.</summary>
    /// <param name="QuestId">The quest.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="State">Its state.</param>
    /// <param name="Streak">Events towards the next completion, as they are worth now: a missed window starts them again.</param>
    /// <param name="StreakOf">Events that a completion needs.</param>
    /// <param name="Completions">Completions so far.</param>
    /// <param name="CompletionsOf">Completions that are possible.</param>
    /// <param name="Claimable">Completions whose reward waits to be claimed.</param>
    /// <example>
    /// {"questId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "name": "Three sign-ins", "state": "active", "streak": 2, "streakOf": 3,
    /// "completions": 1, "completionsOf": 2, "claimable": 1}
    /// </example>
    internal sealed record ProgressView(
        Guid QuestId, string Name, string State, int Streak, int StreakOf, int Completions, int CompletionsOf, int Claimable);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/progress", Handle)
        .ForMembers().WithTags("Quests")
        .WithSummary("The caller's progress in every quest, newest quest first. With `?userId=`, an operator sees that of another user.")
        .Produces<Page<ProgressView>>()
        .CatchesUp(QuestsModule.TrackProgressSubscription);

    private static async Task<IResult> Handle(
        string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, CatalogReader catalog, ModuleDatabase<QuestsDb> module,
        CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        var quests = catalog.Current.Quests.Values
            .Where(quest => quest.State != RuleState.Draft && (before is not { } id || quest.Id.CompareTo(id) < 0))
            .OrderByDescending(quest => quest.Id).Take(limit + 1).ToList();
        var found = new Dictionary<Guid, (QuestState State, DateTime Now, int Claimable)>();
        await module.Command("""
            select q.id, p.streak, p.completions, p.period, p.withdrawn, clock_timestamp(),
                (select count(*)::int from quests.completions c where c.user_id = $2 and c.quest_id = q.id and c.claimed_at is null)
            from unnest($1) q (id)
            join quests.progress p on p.quest_id = q.id and p.user_id = $2
            """, quests.Column(quest => quest.Id), user)
            .ReadEachAsync(row => found.Add(row.GetGuid(0), (ProgressStore.StateAt(row, 1), row.GetDateTime(5), row.GetInt32(6))), ct);
        return TypedResults.Ok(PageQuery.Page(quests.ConvertAll(quest => Of(quest, found)), limit, view => (Guid?)view.QuestId));
    }

    private static ProgressView Of(Quest quest, Dictionary<Guid, (QuestState State, DateTime Now, int Claimable)> found)
    {
        if (!found.TryGetValue(quest.Id, out var row))
            return new ProgressView(quest.Id, quest.Name, quest.State, 0, quest.Streak, 0, quest.Duplication, 0);
        var rules = QuestRules.Of(quest.Id, quest.Version, quest.State, quest.Streak, quest.Duplication, quest.WindowUnit, quest.TimeZone);
        return new ProgressView(
            quest.Id, quest.Name, quest.State, QuestProgress.StreakAt(row.State, rules, row.Now), quest.Streak, row.State.Completions,
            quest.Duplication, row.Claimable);
    }
}
