using System.Text.Json;

namespace Boon.Promotions.Vouchers;

/// <summary>A voucher, as the API shows it.</summary>
/// <param name="Code">What to redeem.</param>
/// <param name="CampaignId">The campaign that issued it.</param>
/// <param name="Benefit">What it takes off.</param>
/// <param name="State"><c>active</c>, <c>used</c>, <c>expired</c> or <c>void</c>.</param>
/// <param name="Uses">Standing uses.</param>
/// <param name="MaxUses">How many there can be.</param>
/// <param name="ExpiresAt">From here on it is refused.</param>
/// <example>
/// {"code": "7KQM-2XRT-9FHB", "campaignId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "benefit": {"kind": "percent", "value": 30},
/// "state": "active", "uses": 0, "maxUses": 1, "expiresAt": "2026-05-31T09:30:00Z"}
/// </example>
internal sealed record VoucherView(
    string Code, Guid CampaignId, Benefit Benefit, [AllowedValues("active", "used", "expired", "void")] string State, int Uses,
    int MaxUses, DateTimeOffset ExpiresAt);

/// <summary>Lists a user's vouchers, newest first: one's own, or anybody's for an operator.</summary>
internal static class ListVouchers
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/vouchers", Handle)
        .ForMembers().WithTags("Vouchers")
        .WithSummary("The caller's vouchers, newest first. With `?userId=`, an operator sees those of another user.")
        .Produces<Page<VoucherView>>()
        .CatchesUp(PromotionsModule.IssueVouchersSubscription);

    private static async Task<IResult> Handle(
        string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");

        var found = await module.Command("""
            select id, code, campaign_id, benefit, uses, max_uses, expires_at,
                case when voided then 'void' when uses >= max_uses then 'used' when expires_at <= now() then 'expired' else 'active' end
            from promotions.codes
            where user_id = $1 and campaign_id is not null and id < $2
            order by id desc
            limit $3
            """, user, before ?? Guid.AllBitsSet, limit + 1)
            .ReadAllAsync(row => (Id: row.GetGuid(0), View: Read(row)), ct);
        return TypedResults.Ok(PageQuery.Page(found, limit, row => (Guid?)row.Id, row => row.View));
    }

    private static VoucherView Read(NpgsqlDataReader row) => new(
        row.GetString(1), row.GetGuid(2), JsonSerializer.Deserialize<Benefit>(row.GetString(3), Json.Options)!,
        row.GetString(7), row.GetInt32(4), row.GetInt32(5), row.GetDateTime(6));
}
