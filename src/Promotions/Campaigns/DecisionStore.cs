using Boon.Promotions.Vouchers;

namespace Boon.Promotions.Campaigns;

/// <summary>
/// What members have of campaigns when their events are judged, and what that changes. The vouchers' one lane holds its checkpoint
/// meanwhile, so nobody else moves what is read here; the counts move only from where they were read all the same.
/// </summary>
internal sealed class DecisionStore
{
    private readonly Dictionary<Guid, CampaignCounts> counts;
    private readonly Dictionary<(Guid CampaignId, Guid UserId), long> held = [];
    private readonly HashSet<(Guid CampaignId, Guid UserId, string Reason)> told = [];

    private DecisionStore(Dictionary<Guid, CampaignCounts> counts) => this.counts = counts;

    /// <summary>
    /// Reads the vouchers that these members hold of these campaigns and the refusals that they were told of, and the counts that are not
    /// known yet.
    /// </summary>
    internal static async Task<DecisionStore> LoadAsync(
        Unit<PromotionsDb> unit, List<CampaignMatch> matches, Dictionary<Guid, CampaignCounts> counts, CancellationToken ct)
    {
        var store = new DecisionStore(counts);
        var pairs = matches.Select(match => (match.Rule.Id, match.UserId)).Distinct().ToList();
        var trip = new RoundTrip(unit);
        trip.Add("""
            select c.id, c.issued, c.ranked
            from unnest($1) k (id)
            cross join lateral (
                select *
                from promotions.campaigns x
                where x.id = k.id
                offset 0) c
            """, pairs.Select(pair => pair.Id).Distinct().Where(id => !counts.ContainsKey(id)).ToArray())
            .Each(row => counts.Add(row.GetGuid(0), new CampaignCounts(row.GetGuid(0), row.GetInt64(1), row.GetInt64(2))));
        trip.Add("""
            select k.campaign_id, k.user_id, h.vouchers
            from unnest($1, $2) k (campaign_id, user_id)
            cross join lateral (
                select count(*) as vouchers
                from promotions.codes x
                where x.campaign_id = k.campaign_id and x.user_id = k.user_id) h
            where h.vouchers > 0
            """, pairs.Column(pair => pair.Id), pairs.Column(pair => pair.UserId))
            .Each(row => store.held.Add((row.GetGuid(0), row.GetGuid(1)), row.GetInt64(2)));
        trip.Add("""
            select k.campaign_id, k.user_id, d.reason
            from unnest($1, $2) k (campaign_id, user_id)
            cross join lateral (
                select distinct x.reason
                from promotions.decisions x
                where x.campaign_id = k.campaign_id and x.user_id = k.user_id and x.reason is not null
                offset 0) d
            """, pairs.Column(pair => pair.Id), pairs.Column(pair => pair.UserId))
            .Each(row => store.told.Add((row.GetGuid(0), row.GetGuid(1), row.GetString(2))));
        await trip.RunAsync(ct);
        return store;
    }

    /// <summary>
    /// Decides; null when there is nothing to say: the member was told the same before, or the campaign tells nobody any more.
    /// </summary>
    internal CampaignDecision? Judge(CampaignMatch match)
    {
        var (e, rule, user) = match;
        var count = counts[rule.Id];
        if (CampaignRules.IsSilent(rule.Limit, count.Issued, count.Ranked))
            return null;
        var vouchers = held.GetValueOrDefault((rule.Id, user));
        var decision = CampaignRules.Decide(
            new(rule.Paused, rule.StartsAt, rule.Limit, rule.PerUser, count.Issued, count.Ranked, vouchers, e.RecordedAt));
        if (!decision.Issued && !told.Add((rule.Id, user, decision.Reason!)))
            return null;
        count.Ranked = decision.Rank ?? count.Ranked;
        if (!decision.Issued)
            return new CampaignDecision(match, decision, default, null);
        count.Issued++;
        held[(rule.Id, user)] = vouchers + 1;
        return new CampaignDecision(match, decision, OrderedId.New(), VoucherCode.New());
    }

    /// <summary>Stores vouchers and decisions, and logs them.</summary>
    internal static async Task StoreAsync(Unit<PromotionsDb> unit, List<CampaignDecision> judged, CancellationToken ct)
    {
        var expiries = await StoreVouchersAsync(unit, judged.FindAll(one => one.Decision.Issued), ct);
        await StoreDecisionsAsync(unit, judged, ct);
        foreach (var ((e, rule, user), decision, voucherId, code) in judged)
            if (decision.Issued)
                unit.Append(new VoucherIssued(voucherId, rule.Id, user, code!, decision.Rank!.Value, rule.Benefit, expiries[voucherId]), e);
            else
                unit.Append(new VoucherRefused(rule.Id, user, decision.Reason!, decision.Rank), e);
    }

    private static async Task<Dictionary<Guid, DateTime>> StoreVouchersAsync(
        Unit<PromotionsDb> unit, List<CampaignDecision> issued, CancellationToken ct)
    {
        var expiries = new Dictionary<Guid, DateTime>(issued.Count);
        if (issued.Count == 0)
            return expiries;
        await unit.Command("""
            insert into promotions.codes (id, code, campaign_id, user_id, benefit, max_uses, expires_at)
            select v.id, v.code, c.id, v.user_id, c.benefit, c.max_uses, v.at + c.voucher_valid_for::interval
            from unnest($1, $2, $3, $4, $5) v (id, code, campaign_id, user_id, at)
            cross join lateral (
                select *
                from promotions.campaigns x
                where x.id = v.campaign_id
                offset 0) c
            returning id, expires_at
            """,
            issued.Column(one => one.VoucherId), issued.Column(one => one.Code!), issued.Column(one => one.Match.Rule.Id),
            issued.Column(one => one.Match.UserId), issued.Column(one => one.Match.Event.RecordedAt))
            .ReadEachAsync(row => expiries.Add(row.GetGuid(0), row.GetDateTime(1)), ct);
        return expiries;
    }

    private static async Task StoreDecisionsAsync(Unit<PromotionsDb> unit, List<CampaignDecision> judged, CancellationToken ct) =>
        await unit.Command("""
            insert into promotions.decisions (campaign_id, source, sequence, user_id, rank, reason, at, voucher_code)
            select *
            from unnest($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            judged.Column(one => one.Match.Rule.Id), judged.Column(one => one.Match.Event.Source),
            judged.Column(one => one.Match.Event.Sequence), judged.Column(one => one.Match.UserId),
            judged.Column(one => one.Decision.Rank), judged.Column(one => one.Decision.Reason),
            judged.Column(one => one.Match.Event.RecordedAt), judged.Column(one => one.Code))
            .ExecuteAsync(ct);

    /// <summary>
    /// Moves the counts in one statement, each only from where it was read; the check constraint stands behind the limit.
    /// </summary>
    internal static async Task MoveCountsAsync(Unit<PromotionsDb> unit, IEnumerable<CampaignCounts> counts, CancellationToken ct)
    {
        var moved = counts.Where(count => count.Moved).ToList();
        if (moved.Count == 0)
            return;
        var rows = await unit.Command("""
            update promotions.campaigns c
            set issued = k.issued, ranked = k.ranked
            from unnest($1, $2, $3, $4, $5) k (id, issued, ranked, issued_before, ranked_before)
            cross join lateral (
                select x.id
                from promotions.campaigns x
                where x.id = k.id
                offset 0) at
            where c.id = at.id and c.issued = k.issued_before and c.ranked = k.ranked_before
            """,
            moved.Column(count => count.CampaignId), moved.Column(count => count.Issued), moved.Column(count => count.Ranked),
            moved.Column(count => count.IssuedBefore), moved.Column(count => count.RankedBefore))
            .ExecuteAsync(ct);
        if (rows != moved.Count)
            throw new DbUpdateConcurrencyException($"The counts of {moved.Count - rows} campaigns moved under their lock.");
    }
}
