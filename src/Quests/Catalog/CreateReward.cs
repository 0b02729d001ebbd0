namespace Boon.Quests.Catalog;

/// <summary>Creates a reward.</summary>
internal static class CreateReward
{
    /// <summary>The body of POST /v1/rewards.</summary>
    /// <param name="Name">For people: 1 to 200 characters.</param>
    /// <param name="Item"><c>gold</c>, <c>diamond</c> or <c>coupon:TYPE</c>.</param>
    /// <param name="Quantity">1 to 1,000,000; coupons 1 to 100.</param>
    /// <example>{"name": "Ten diamonds", "item": "diamond", "quantity": 10}</example>
    internal sealed record Request(
        [Required, Length(1, RewardRules.LongestName)] string? Name, [Required, RegularExpression(RewardRules.ItemPattern)] string? Item,
        [Required, Range(1, RewardRules.MostPieces)] int? Quantity);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/rewards", Handle)
        .RefreshesCatalog().WithUnit<QuestsDb>(idempotent: true).ForOperators().WithTags("Quests")
        .WithSummary("Creates a reward: gold, diamonds, or coupons of a type.")
        .WithDescription("A reward never changes, but a quest can be given another reward.")
        .Produces<RewardView>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(Request request, Unit<QuestsDb> unit, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Name, "name", 1, RewardRules.LongestName, kind: TextKind.Name);
        RewardRules.Check(validation, request.Item, request.Quantity);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        var reward = new Reward
            { Id = OrderedId.New(), Name = request.Name!, Item = request.Item!, Quantity = request.Quantity!.Value };
        await unit.BeginAsync(ct);
        await CatalogReader.ChangedAsync(unit, ct);
        unit.Db.Add(reward);
        unit.Append(new RewardCreated(reward.Id, reward.Name, reward.Item, reward.Quantity));
        return TypedResults.Created($"/v1/rewards/{reward.Id}", RewardView.Of(reward));
    }
}
