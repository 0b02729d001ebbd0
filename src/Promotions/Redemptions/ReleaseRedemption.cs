namespace Boon.Promotions.Redemptions;

/// <summary>Gives a redemption's use back, once.</summary>
internal static class ReleaseRedemption
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/redemptions/{id}", Handle)
        .WithUnit<PromotionsDb>().ForOperators().WithTags("Redemptions")
        .WithSummary("Gives the use of a redemption back, once. After that: 409 `already-released`.")
        .Produces(StatusCodes.Status204NoContent)
        .Refuses(StatusCodes.Status409Conflict, "already-released");

    private static async Task<IResult> Handle(string id, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var redemptionId))
            return Problems.NotFound("redemption");
        await unit.BeginAsync(ct);
        var released = await RedemptionBatch.ReleaseAsync(unit, RedemptionBatch.ById, [redemptionId], ct);
        foreach (var one in released)
            unit.Append(one.Event);
        if (released.Count > 0)
            return TypedResults.NoContent();
        return await unit.Command("select exists (select from promotions.redemptions where id = $1)", redemptionId).ScalarAsync<bool>(ct)
            ? Problems.Of(StatusCodes.Status409Conflict, "already-released", "The use of this redemption was given back already.")
            : Problems.NotFound("redemption");
    }
}
