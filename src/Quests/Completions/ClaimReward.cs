using Boon.Quests.Catalog;

namespace Boon.Quests.Completions;

/// <summary>Claims the reward of one completion, the oldest first.</summary>
internal static class ClaimReward
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/quests/{id}/claims", Handle)
        .WithUnit<QuestsDb>(idempotent: true).ForMembers().WithTags("Quests")
        .WithSummary("Claims the reward of one finished completion.")
        .WithDescription("Takes no body. The reward is in the wallet a moment later; until then its completion is `pending`. 409 "
            + "`nothing-to-claim` when no completion is waiting to be claimed.")
        .Produces<CompletionView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status409Conflict, "nothing-to-claim");

    private static async Task<IResult> Handle(
        string id, ClaimsPrincipal caller, CatalogReader catalog, Unit<QuestsDb> unit, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var questId) || !catalog.Current.Quests.TryGetValue(questId, out var quest)
            || quest.State == RuleState.Draft)
            return Problems.NotFound("quest");
        await unit.BeginAsync(ct);
        if (await TakeAsync(unit, questId, caller.UserId(), ct) is not { } completion)
            return Problems.Of(StatusCodes.Status409Conflict, "nothing-to-claim", "No completion of this quest is waiting to be claimed.");
        unit.Append(new RewardClaimed(
            questId, completion.UserId, completion.Number, completion.Reward.Id, completion.Reward.Item, completion.Reward.Quantity,
            Automatic: false));
        return TypedResults.Created($"/v1/quests/completions?questId={questId}", completion);
    }

    /// <summary>Marks the oldest unclaimed completion as claimed, in one conditional statement; null when there is none.</summary>
    private static async Task<CompletionView?> TakeAsync(Unit<QuestsDb> unit, Guid questId, Guid userId, CancellationToken ct)
    {
        const string oldest = """
            select place
            from quests.completions
            where user_id = $2 and quest_id = $1 and claimed_at is null
            order by number
            limit 1
            """;
        long? read = null;
        if (!QuestsDefences.ConditionalClaim.On)
        {
            read = await unit.Command(oldest, questId, userId).ScalarAsync<long?>(ct);
            await Task.Yield();
        }
        return await unit.Command($"""
            with taken as (
                update quests.completions
                set claimed_at = now()
                where place = {QuestsDefences.ConditionalClaim.Sql($"({oldest} for update)", without: "$3")}
                returning *
            )
            select {CompletionView.Columns}
            from taken c
            join quests.rewards r on r.id = c.reward_id
            """, questId, userId, read)
            .ReadFirstAsync(CompletionView.Read, ct);
    }
}
