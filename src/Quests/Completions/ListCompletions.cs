namespace Boon.Quests.Completions;

/// <summary>Lists completions, newest first: a member's own, or for operators everybody's. With a state: what can be claimed, and which rewards are pending.</summary>
internal static class ListCompletions
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/completions", Handle)
        .ForMembers().WithTags("Quests")
        .WithSummary("The caller's completions, newest first. Operators see those of all users, or of one user with `?userId=`.")
        .WithDescription("`?questId=` and `?state=` (`claimable`, `pending` or `granted`) select further. `state=pending` lists the rewards that were claimed and are waiting, with the reason.")
        .Produces<Page<CompletionView>>()
        .CatchesUp(QuestsModule.TrackProgressSubscription, QuestsModule.SettleRewardsSubscription);

    private static async Task<IResult> Handle(
        string? userId, string? questId, [AllowedValues("claimable", "pending", "granted")] string? state, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<QuestsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out long? before, out var problem))
            return problem!;
        var validation = new Validation();
        validation.Check(state is null or "claimable" or "pending" or "granted", "state", "must be claimable, pending or granted");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        if (questId is not null && !Guid.TryParse(questId, out _))
            return Problems.NotFound("quest");

        // Newest first, from an index that has this order: of a user, of a quest, of a state, or of all.
        await using var command = module.Database.Source.CreateCommand();
        List<string> filters = [$"place < {Parameter(before ?? long.MaxValue)}"];
        var ofUser = userId is not null || !caller.IsOperator();
        if (ofUser)
            filters.Add($"user_id = {Parameter(user)}");
        if (questId is not null)
            filters.Add(AmongOfUser($"quest_id = {Parameter(Guid.Parse(questId))}"));
        if (state is not null)
            filters.Add(AmongOfUser(state switch
            {
                "claimable" => "claimed_at is null",
                "pending" => "claimed_at is not null and granted_at is null",
                _ => "granted_at is not null",
            }));
        command.CommandText = $"""
            select {CompletionView.Columns}, c.place
            from (
                select place
                from quests.completions
                where {string.Join(" and ", filters)}
                order by place desc
                limit {limit + 1}
            ) p
            cross join lateral (select * from quests.completions x where x.place = p.place offset 0) c
            join quests.rewards r on r.id = c.reward_id
            order by c.place desc
            """;
        var found = new List<(long Place, CompletionView View)>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                found.Add((reader.GetInt64(14), CompletionView.Read(reader)));
        return TypedResults.Ok(PageQuery.Page(found, limit, row => (long?)row.Place, row => row.View));

        // What else a user's index has is no reason to take another index, which would have the user's rows in another order.
        string AmongOfUser(string filter) => ofUser ? $"({filter}) is true" : filter;

        string Parameter(object value)
        {
            command.Parameters.Add(new() { Value = value });
            return $"${command.Parameters.Count}";
        }
    }
}
