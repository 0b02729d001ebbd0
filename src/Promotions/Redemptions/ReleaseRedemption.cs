using Boon.Promotions.Coupons;

namespace Boon.Promotions.Redemptions;

/// <summary>Gives a redemption's use back, once.</summary>
internal static class ReleaseRedemption
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/redemptions/{id}", Handle)
        .WithUnit<PromotionsDb>().ForOperators().WithTags("Redemptions")
        .WithSummary("Gives the use back, once; 409 `already-released` after that.")
        .Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> Handle(string id, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var redemptionId))
            return Problems.NotFound("redemption");
        await unit.BeginAsync(ct);
        await using var release = unit.Command("""
            with released as (
                update promotions.redemptions set released_at = now() where id = $1 and released_at is null returning code_id, user_id
            )
            update promotions.codes c set uses = uses - 1 from released r where c.id = r.code_id
            returning r.user_id, c.code, c.max_uses - c.uses, c.type
            """, redemptionId);
        var (released, couponType) = (false, default(string));
        await using (var reader = await release.ExecuteReaderAsync(ct))
            if (await reader.ReadAsync(ct))
            {
                (released, couponType) = (true, reader.IsDBNull(3) ? null : reader.GetString(3));
                unit.Append(new RedemptionReleased(redemptionId, reader.GetGuid(0), reader.GetString(1), reader.GetInt32(2)));
            }
        if (couponType is not null)
            await CouponCounts.AddAsync(unit, CouponCounts.Change(couponType, redeemed: -1), ct);
        if (released)
            return TypedResults.NoContent();
        await using var find = unit.Command("select exists (select from promotions.redemptions where id = $1)", redemptionId);
        return await find.ExecuteScalarAsync(ct) is true
            ? Problems.Of(StatusCodes.Status409Conflict, "already-released", "The use of this redemption was given back before.")
            : Problems.NotFound("redemption");
    }
}
