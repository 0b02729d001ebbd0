namespace Boon.Promotions.Campaigns;

/// <summary>Shows campaigns with their counts to operators, newest first.</summary>
internal static class GetCampaigns
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/campaigns", ListCampaignsAsync).ForOperators().WithTags("Campaigns")
            .WithSummary("All campaigns, newest first.").Produces<Page<CampaignView>>();
        routes.MapGet("/v1/campaigns/{id}", GetCampaignAsync).ForOperators().WithTags("Campaigns")
            .WithSummary("A campaign with its limit and the numbers of vouchers that are issued, remaining and redeemed (uses that were "
                + "not given back).").Produces<CampaignView>()
            .CatchesUp(PromotionsModule.IssueVouchersSubscription);
    }

    private static async Task<IResult> ListCampaignsAsync(
        [AsParameters] PageQuery page, PromotionsDb db, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        var query = before is { } id ? db.Campaigns.Where(campaign => campaign.Id.CompareTo(id) < 0) : db.Campaigns;
        var campaigns = await query.OrderByDescending(campaign => campaign.Id).Take(limit + 1).ToListAsync(ct);
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        var redeemed = await CampaignUses.OfAsync(connection, [.. campaigns.Select(campaign => campaign.Id)], ct);
        return TypedResults.Ok(PageQuery.Page(
            campaigns.ConvertAll(campaign => CampaignView.Of(campaign, redeemed.GetValueOrDefault(campaign.Id))), limit, view =>
                (Guid?)view.Id));
    }

    private static async Task<IResult> GetCampaignAsync(
        string id, PromotionsDb db, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var campaignId)
            || await db.Campaigns.SingleOrDefaultAsync(campaign => campaign.Id == campaignId, ct) is not { } campaign)
            return Problems.NotFound("campaign");
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        return TypedResults.Ok(await ViewAsync(campaign, connection, ct));
    }

    internal static async Task<CampaignView> ViewAsync(Campaign campaign, NpgsqlConnection connection, CancellationToken ct) =>
        CampaignView.Of(campaign, (await CampaignUses.OfAsync(connection, [campaign.Id], ct)).GetValueOrDefault(campaign.Id));
}
