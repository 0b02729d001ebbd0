namespace Boon.Promotions.Campaigns;

/// <summary>The standing uses of each campaign's vouchers, without counting them.</summary>
internal sealed class CampaignUses(ModuleDatabase<PromotionsDb> module, TimeProvider time, ILogger<CampaignUses> logger)
    : Totals(module.Database, time, logger)
{
    /// <inheritdoc/>
    protected override string Changes => "promotions.use_changes";

    /// <inheritdoc/>
    protected override string Add => """
        added as (
            insert into promotions.campaign_uses as t (campaign_id, uses)
            select campaign_id, sum(uses)
            from folded
            group by campaign_id
            order by campaign_id
            on conflict (campaign_id) do update set uses = t.uses + excluded.uses
        )
        """;

    /// <summary>The uses of these campaigns; one without any is missing.</summary>
    internal static async Task<Dictionary<Guid, long>> OfAsync(NpgsqlConnection connection, Guid[] campaigns, CancellationToken ct)
    {
        var uses = new Dictionary<Guid, long>(campaigns.Length);
        await connection.Command("""
            select k.id, sum(u.uses)::bigint
            from unnest($1) k (id)
            cross join lateral (
                select uses from promotions.campaign_uses where campaign_id = k.id
                union all
                select uses from promotions.use_changes where campaign_id = k.id) u
            group by k.id
            """, campaigns)
            .ReadEachAsync(row => uses.Add(row.GetGuid(0), row.GetInt64(1)), ct);
        return uses;
    }
}
