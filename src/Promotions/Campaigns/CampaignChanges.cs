namespace Boon.Promotions.Campaigns;

/// <summary>The history of campaigns' rules: what they became, by whom, and after which events.</summary>
internal static class CampaignChanges
{
    /// <summary>Takes the rules lock alone. Answers where the vouchers' one lane stands in each source.</summary>
    internal static async Task<Dictionary<string, long>> BeginAsync(Unit<PromotionsDb> unit, CancellationToken ct) =>
        (await RulesLock.ExclusiveAsync(unit, PromotionsModule.IssueVouchersSubscription, ct))
            .ToDictionary(source => source.Key, source => source.Value[0], StringComparer.Ordinal);

    /// <summary>Keeps a change.</summary>
    internal static Task RecordAsync(
        Unit<PromotionsDb> unit, Campaign campaign, Guid by, Dictionary<string, long> after, CancellationToken ct) =>
        unit.Command("""
            insert into promotions.campaign_changes (campaign_id, changed_by, state, issue_limit, ends_at, after)
            values ($1, $2, $3, $4, $5, $6::jsonb)
            """, campaign.Id, by, campaign.State, campaign.Limit, campaign.EndsAt, System.Text.Json.JsonSerializer.Serialize(after))
            .ExecuteAsync(ct);
}
