namespace Boon.Quests.Completions;

/// <summary>
/// Lists completions, newest first: a member's own, or for operators everybody's. With a state: what can be claimed, and which rewards are
/// pending.
/// </summary>
internal static class ListCompletions
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/completions", Handle)
        .ForMembers().WithTags("Quests")
        .WithSummary("The caller's completions, newest first. Operators see those of all users, or of one user with `?userId=`.")
        .WithDescription("`?questId=` and `?state=` (`claimable`, `pending`, `granted` or `withdrawn`) select further. `state=pending` "
            + "lists the rewards that were claimed and are waiting, with the reason.")
        .Produces<Page<CompletionView>>()
        .CatchesUp(QuestsModule.TrackProgressSubscription, QuestsModule.SettleRewardsSubscription);

    private static async Task<IResult> Handle(
        string? userId, string? questId, [AllowedValues("claimable", "pending", "granted", "withdrawn")] string? state,
        [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<QuestsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out long? before, out var problem))
            return problem!;
        var validation = new Validation();
        validation.Check(state is null or "claimable" or "pending" or "granted" or "withdrawn", "state",
            "must be claimable, pending, granted or withdrawn");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        Guid? quest = Guid.TryParse(questId, out var id) ? id : null;
        if (questId is not null && quest is null)
            return Problems.NotFound("quest");

        // Newest first, from an index that has this order: of a user, of a quest, of a state, or of all.
        var ofUser = userId is not null || !caller.IsOperator();
        var found = await module.Command($"""
            select {CompletionView.Columns}, c.place
            from (
                select place
                from quests.completions
                where place < $1
                    {(ofUser ? "and user_id = $4" : "")}
                    {(quest is null ? "" : AmongOfUser("quest_id = $3", ofUser))}
                    {(state is null ? "" : AmongOfUser(InState(state), ofUser))}
                order by place desc
                limit $2
            ) p
            cross join lateral (select * from quests.completions x where x.place = p.place offset 0) c
            join quests.rewards r on r.id = c.reward_id
            order by c.place desc
            """, before ?? long.MaxValue, limit + 1, quest, user)
            .ReadAllAsync(row => (Place: row.GetInt64(15), View: CompletionView.Read(row)), ct);
        return TypedResults.Ok(PageQuery.Page(found, limit, row => (long?)row.Place, row => row.View));
    }

    /// <summary>
    /// What else a user's index has is no reason to take another index, which would have the user's rows in another order.
    /// </summary>
    private static string AmongOfUser(string filter, bool ofUser) => ofUser ? $"and ({filter}) is true" : $"and {filter}";

    private static string InState(string state) => state switch
    {
        "claimable" => "claimed_at is null",
        "pending" => "claimed_at is not null and granted_at is null and withdrawn_at is null",
        "granted" => "granted_at is not null and withdrawn_at is null",
        _ => "withdrawn_at is not null",
    };
}
