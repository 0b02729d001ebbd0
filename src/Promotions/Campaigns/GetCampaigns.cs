namespace Boon.Promotions.Campaigns;

/// <summary>Shows campaigns with their counts to operators, newest first.</summary>
internal static class GetCampaigns
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/campaigns", ListAsync).ForOperators().WithTags("Campaigns")
            .WithSummary("All campaigns, newest first.").Produces<Page<CampaignView>>();
        routes.MapGet("/v1/campaigns/{id}", GetAsync).ForOperators().WithTags("Campaigns")
            .WithSummary("A campaign with its limit and how many vouchers are issued, remaining and redeemed (standing uses).").Produces<CampaignView>();
    }

    private static async Task<IResult> ListAsync([AsParameters] PageQuery page, PromotionsDb db, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        var query = before is { } id ? db.Campaigns.Where(campaign => campaign.Id.CompareTo(id) < 0) : db.Campaigns;
        var campaigns = await query.OrderByDescending(campaign => campaign.Id).Take(limit + 1).ToListAsync(ct);
        var redeemed = await RedeemedAsync(db, [.. campaigns.Select(campaign => campaign.Id)], ct);
        return TypedResults.Ok(PageQuery.Page(
            campaigns.ConvertAll(campaign => CampaignView.Of(campaign, redeemed.GetValueOrDefault(campaign.Id))), limit, view => (Guid?)view.Id));
    }

    private static async Task<IResult> GetAsync(string id, PromotionsDb db, CancellationToken ct) =>
        await FindAsync(id, db, ct) is { } view ? TypedResults.Ok(view) : Problems.NotFound("campaign");

    internal static async Task<CampaignView?> FindAsync(string id, PromotionsDb db, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var campaignId) || await db.Campaigns.AsNoTracking().SingleOrDefaultAsync(campaign => campaign.Id == campaignId, ct) is not { } campaign)
            return null;
        return CampaignView.Of(campaign, (await RedeemedAsync(db, [campaignId], ct)).GetValueOrDefault(campaignId));
    }

    /// <summary>Standing uses of each campaign's vouchers.</summary>
    private static async Task<Dictionary<Guid, long>> RedeemedAsync(PromotionsDb db, Guid[] campaigns, CancellationToken ct) =>
        await db.Database.SqlQuery<RedeemedCount>($"""
            select campaign_id as "CampaignId", sum(uses) as "Count" from promotions.codes
            where campaign_id = any ({campaigns}) and uses > 0 group by campaign_id
            """).ToDictionaryAsync(row => row.CampaignId, row => (long)row.Count, ct);

    private sealed record RedeemedCount(Guid CampaignId, long Count);
}
