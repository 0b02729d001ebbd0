using Boon.Promotions.Codes;
using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Claims;

/// <summary>Lists the caller's coupons, newest first.</summary>
internal static class ListCoupons
{
    /// <summary>A coupon of the caller.</summary>
    /// <param name="Code">What to redeem.</param>
    /// <param name="Type">Its type; absent for a coupon without one.</param>
    /// <param name="Discount">What it takes off.</param>
    /// <param name="State"><c>active</c>, <c>used</c> or <c>expired</c>.</param>
    /// <param name="Uses">Standing uses.</param>
    /// <param name="MaxUses">How many there can be.</param>
    /// <param name="ExpiresAt">From here on it is refused.</param>
    /// <param name="ClaimId">The claim that gave it.</param>
    /// <param name="ClaimedAt">When.</param>
    /// <example>
    /// {"code": "SUMMER-0001", "type": "SUMMER", "discount": {"kind": "percent", "value": 10}, "state": "active", "uses": 0,
    /// "maxUses": 1, "expiresAt": "2026-05-31T09:30:00Z", "claimId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "claimedAt":
    /// "2026-05-01T09:30:00Z"}
    /// </example>
    internal sealed record HeldCoupon(
        string Code, string? Type, Benefit Discount, [AllowedValues("active", "used", "expired")] string State, int Uses, int MaxUses,
        DateTimeOffset ExpiresAt, Guid ClaimId, DateTimeOffset ClaimedAt);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/coupons", Handle)
        .ForMembers().WithTags("Coupons")
        .WithSummary("The caller's coupons, newest first.")
        .Produces<Page<HeldCoupon>>()
        .CatchesUp(PromotionsModule.GrantRewardsSubscription);

    private static async Task<IResult> Handle(
        [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        var found = await module.Command("""
            select coalesce(c.shown, c.code), c.type, c.benefit,
                case when c.uses >= c.max_uses then 'used' when c.expires_at <= now() then 'expired' else 'active' end,
                c.uses, c.max_uses, c.expires_at, k.id, k.settled_at
            from (
                select id, code_id, settled_at
                from promotions.claims
                where user_id = $1 and code_id is not null and id < $2
                order by id desc
                limit $3
            ) k
            cross join lateral (select * from promotions.codes x where x.id = k.code_id offset 0) c
            order by k.id desc
            """, caller.UserId(), before ?? Guid.AllBitsSet, limit + 1)
            .ReadAllAsync(Read, ct);
        return TypedResults.Ok(PageQuery.Page(found, limit, view => (Guid?)view.ClaimId));
    }

    private static HeldCoupon Read(NpgsqlDataReader row) => new(
        row.GetString(0), CouponType.NameOf(row.GetString(1)), Benefits.Parse(row.GetFieldValue<byte[]>(2)), row.GetString(3),
        row.GetInt32(4), row.GetInt32(5), row.GetDateTime(6), row.GetGuid(7), row.GetDateTime(8));
}
