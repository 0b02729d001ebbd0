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
internal sealed record VoucherView(string Code, Guid CampaignId, Benefit Benefit, [AllowedValues("active", "used", "expired", "void")] string State, int Uses, int MaxUses, DateTimeOffset ExpiresAt);

/// <summary>Lists a user's vouchers, newest first: one's own, or anybody's for an operator.</summary>
internal static class ListVouchers
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/vouchers", Handle)
        .ForMembers().WithTags("Vouchers")
        .WithSummary("The caller's vouchers, newest first. With `?userId=`, an operator sees those of another user.")
        .Produces<Page<VoucherView>>()
        .CatchesUp(PromotionsModule.IssueVouchersSubscription);

    private static async Task<IResult> Handle(string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");

        await using var command = module.Database.Source.CreateCommand("""
            select id, code, campaign_id, benefit, uses, max_uses, expires_at,
                case when voided then 'void' when uses >= max_uses then 'used' when expires_at <= now() then 'expired' else 'active' end
            from promotions.codes
            where user_id = $1 and campaign_id is not null and id < $2
            order by id desc limit $3
            """);
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = before ?? Guid.AllBitsSet });
        command.Parameters.Add(new() { Value = limit + 1 });
        var found = new List<(Guid Id, VoucherView View)>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                found.Add((reader.GetGuid(0), new VoucherView(
                    reader.GetString(1), reader.GetGuid(2), JsonSerializer.Deserialize<Benefit>(reader.GetString(3), Json.Options)!,
                    reader.GetString(7), reader.GetInt32(4), reader.GetInt32(5), reader.GetDateTime(6))));
        return TypedResults.Ok(PageQuery.Page(found, limit, row => (Guid?)row.Id, row => row.View));
    }
}
