using System.Text.Json;
using Boon.Promotions.Vouchers;

namespace Boon.Promotions.Campaigns;

/// <summary>
/// Judges each event that matches a campaign, in log order, and issues the vouchers. Every decision is stored. The one lane, the rules lock and the
/// checkpoint in the same transaction make the winners of "first N" exactly the N lowest log positions that were eligible.
/// </summary>
internal static class IssueVouchers
{
    /// <summary>A campaign's counts while a batch is judged.</summary>
    private sealed class Running(Campaign campaign)
    {
        internal readonly Campaign Campaign = campaign;
        internal readonly JsonElement? When = campaign.WhenJson is null ? null : JsonSerializer.Deserialize<JsonElement>(campaign.WhenJson);
        internal readonly Benefit Benefit = campaign.Benefit;
        internal long Issued = campaign.Issued;
        internal long Ranked = campaign.Ranked;
        internal readonly Dictionary<Guid, long> Held = [];
    }

    private sealed record Judged(LoggedEvent Event, Running Running, Decision Decision, Guid VoucherId, string? Code);

    internal static async Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        await RulesLock.SharedAsync(unit, ct);
        var names = EventTriggers.NamesOf(events);
        var campaigns = await unit.Db.Campaigns.AsNoTracking()
            .Where(campaign => campaign.State != Campaign.Draft && names.Contains(campaign.Trigger))
            .OrderBy(campaign => campaign.Id).ToListAsync(ct);
        var matches = Match(events, campaigns.ConvertAll(campaign => new Running(campaign)));
        if (matches.Count == 0)
        {
            unit.NoEffect();
            return;
        }
        await LoadHeldAsync(unit, matches, ct);
        var judged = matches.ConvertAll(match => Judge(match.Event, match.Running));
        await StoreVouchersAsync(unit, judged, ct);
        await StoreDecisionsAsync(unit, judged, ct);
        await StoreCountsAsync(unit, judged, ct);
    }

    private static List<(LoggedEvent Event, Running Running)> Match(IReadOnlyList<LoggedEvent> events, List<Running> campaigns)
    {
        var matches = new List<(LoggedEvent, Running)>();
        foreach (var e in events)
        {
            // A voucher needs a holder; a campaign ignores what was recorded before it was created.
            var candidates = e.UserId is null ? [] : campaigns.FindAll(running =>
                EventTriggers.Means(running.Campaign.Trigger, e.Type) && e.RecordedAt >= running.Campaign.CreatedAt.UtcDateTime);
            if (candidates.Count == 0)
                continue;
            using var data = e.Data();
            foreach (var running in candidates)
                if (EventTriggers.Matches(running.When, data.RootElement))
                    matches.Add((e, running));
        }
        return matches;
    }

    private static Judged Judge(LoggedEvent e, Running running)
    {
        var campaign = running.Campaign;
        var user = e.UserId!.Value;
        var decision = CampaignRules.Decide(
            campaign.State, campaign.StartsAt, campaign.EndsAt, campaign.Limit, campaign.PerUser, running.Issued, running.Ranked,
            running.Held.GetValueOrDefault(user), e.RecordedAt);
        running.Ranked = decision.Rank ?? running.Ranked;
        if (!decision.Issued)
            return new Judged(e, running, decision, default, null);
        running.Issued++;
        running.Held[user] = running.Held.GetValueOrDefault(user) + 1;
        return new Judged(e, running, decision, Guid.CreateVersion7(), VoucherCode.New());
    }

    private static async Task LoadHeldAsync(Unit<PromotionsDb> unit, List<(LoggedEvent Event, Running Running)> matches, CancellationToken ct)
    {
        var byCampaign = matches.Select(match => match.Running).Distinct().ToDictionary(running => running.Campaign.Id);
        await using var command = unit.Command("""
            select campaign_id, user_id, count(*) from promotions.codes
            where campaign_id = any ($1) and user_id = any ($2) group by campaign_id, user_id
            """, byCampaign.Keys.ToArray(), matches.Select(match => match.Event.UserId!.Value).Distinct().ToArray());
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            byCampaign[reader.GetGuid(0)].Held[reader.GetGuid(1)] = reader.GetInt64(2);
    }

    private static async Task StoreVouchersAsync(Unit<PromotionsDb> unit, List<Judged> judged, CancellationToken ct)
    {
        var issued = judged.FindAll(one => one.Decision.Issued);
        var expiries = new Dictionary<Guid, DateTime>();
        if (issued.Count > 0)
        {
            await using var insert = unit.Command("""
                insert into promotions.codes (id, code, campaign_id, user_id, benefit, max_uses, expires_at)
                select v.id, v.code, c.id, v.user_id, c.benefit, c.max_uses, v.at + c.voucher_valid_for::interval
                from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::timestamptz[]) v (id, code, campaign_id, user_id, at)
                join promotions.campaigns c on c.id = v.campaign_id
                returning id, expires_at
                """,
                issued.ConvertAll(one => one.VoucherId).ToArray(), issued.ConvertAll(one => one.Code!).ToArray(),
                issued.ConvertAll(one => one.Running.Campaign.Id).ToArray(), issued.ConvertAll(one => one.Event.UserId!.Value).ToArray(),
                issued.ConvertAll(one => one.Event.RecordedAt).ToArray());
            await using var reader = await insert.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                expiries[reader.GetGuid(0)] = reader.GetDateTime(1);
        }
        foreach (var (e, running, decision, voucherId, code) in judged)
            if (decision.Issued)
                unit.Append(new VoucherIssued(voucherId, running.Campaign.Id, e.UserId!.Value, code!, decision.Rank!.Value, running.Benefit, expiries[voucherId]), e);
            else
                unit.Append(new VoucherRefused(running.Campaign.Id, e.UserId!.Value, decision.Reason!, decision.Rank), e);
    }

    private static async Task StoreDecisionsAsync(Unit<PromotionsDb> unit, List<Judged> judged, CancellationToken ct)
    {
        await using var insert = unit.Command("""
            insert into promotions.decisions (campaign_id, source, sequence, user_id, rank, reason, at, voucher_code)
            select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[])
            """,
            judged.ConvertAll(one => one.Running.Campaign.Id).ToArray(), judged.ConvertAll(one => one.Event.Source).ToArray(),
            judged.ConvertAll(one => one.Event.Sequence).ToArray(), judged.ConvertAll(one => one.Event.UserId!.Value).ToArray(),
            judged.ConvertAll(one => one.Decision.Rank).ToArray(), judged.ConvertAll(one => one.Decision.Reason).ToArray(),
            judged.ConvertAll(one => one.Event.RecordedAt).ToArray(), judged.ConvertAll(one => one.Code).ToArray());
        await insert.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The counts move only from where this batch read them; the check constraint stands behind the limit.</summary>
    private static async Task StoreCountsAsync(Unit<PromotionsDb> unit, List<Judged> judged, CancellationToken ct)
    {
        foreach (var running in judged.Select(one => one.Running).Distinct())
        {
            if (running.Ranked == running.Campaign.Ranked)
                continue;
            await using var update = unit.Command("""
                update promotions.campaigns set issued = $2, ranked = $3 where id = $1 and issued = $4 and ranked = $5
                """, running.Campaign.Id, running.Issued, running.Ranked, running.Campaign.Issued, running.Campaign.Ranked);
            if (await update.ExecuteNonQueryAsync(ct) != 1)
                throw new DbUpdateConcurrencyException($"The counts of campaign {running.Campaign.Id} moved under their lock.");
        }
    }
}
