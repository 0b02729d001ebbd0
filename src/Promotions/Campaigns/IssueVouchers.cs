namespace Boon.Promotions.Campaigns;

/// <summary>
/// Judges each event that matches a campaign, in log order, and issues the vouchers. The one lane, the rules lock and the checkpoint in the
/// same transaction make the winners of "first N" exactly the N lowest log positions that were eligible. A member is told a reason for a
/// refusal once; a campaign that has told enough members that it is exhausted, or has ended, judges nothing more.
/// </summary>
internal sealed class IssueVouchers(ILogger<IssueVouchers> logger)
{
    /// <summary>Matches in a transaction, at most, but for those of its last event, which are written in pieces of as many.</summary>
    private const int MostTogether = 5_000;

    private readonly RuleCache<CampaignRule> rules = new(PromotionsModule.ModuleName, CampaignRule.Select, CampaignRule.Read, logger);

    internal async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var index = await rules.ReadAsync(unit, events[0].RecordedAt, ct);
        var counts = new Dictionary<Guid, CampaignCounts>();
        var (matched, decided, taken) = (0, 0, 0);
        var matches = new List<CampaignMatch>();
        for (; taken < events.Count && matched < MostTogether; taken++)
        {
            // A voucher needs a holder.
            if (events[taken].UserId is not { } user)
                continue;
            foreach (var rule in index.Match(events[taken]))
            {
                matched++;
                matches.Add(new CampaignMatch(events[taken], rule, user));
                if (matches.Count == MostTogether)
                    await JudgeAsync();
            }
        }
        await JudgeAsync();
        await DecisionStore.MoveCountsAsync(unit, counts.Values, ct);
        return BatchEffect.Of(decided > 0).Taking(taken);

        async Task JudgeAsync()
        {
            if (matches.Count == 0)
                return;
            var store = await DecisionStore.LoadAsync(unit, matches, counts, ct);
            var judged = matches.Select(store.Judge).OfType<CampaignDecision>().ToList();
            matches.Clear();
            if (judged.Count == 0)
                return;
            decided += judged.Count;
            await DecisionStore.StoreAsync(unit, judged, ct);
            await unit.SaveAsync(ct);
        }
    }
}

/// <summary>An event that matches a campaign.</summary>
internal sealed record CampaignMatch(LoggedEvent Event, CampaignRule Rule, Guid UserId);

/// <summary>A decision that is news to its member, and the voucher if it gives one.</summary>
internal sealed record CampaignDecision(CampaignMatch Match, Decision Decision, Guid VoucherId, string? Code);

/// <summary>A campaign's counts while a batch is judged.</summary>
internal sealed record CampaignCounts(Guid CampaignId, long IssuedBefore, long RankedBefore)
{
    internal long Issued { get; set; } = IssuedBefore;

    internal long Ranked { get; set; } = RankedBefore;

    internal bool Moved => Ranked != RankedBefore;
}
