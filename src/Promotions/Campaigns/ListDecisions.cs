using System.Text.Json.Serialization;

namespace Boon.Promotions.Campaigns;

/// <summary>Lists how a campaign decided, in log order: for operators all users, for members themselves.</summary>
internal static class ListDecisions
{
    /// <summary>A decision.</summary>
    /// <param name="UserId">The user.</param>
    /// <param name="Outcome"><c>issued</c> or <c>refused</c>.</param>
    /// <param name="Rank">The place among the eligible, from 1, past the limit too; null when the event was not eligible.</param>
    /// <param name="Reason"><c>budget-exhausted</c>, <c>already-issued</c>, <c>not-started</c>, <c>paused</c>, or null when issued.</param>
    /// <param name="EventSequence">The event's place in its log.</param>
    /// <param name="At">When the event was recorded.</param>
    /// <param name="VoucherCode">The voucher's code, when issued.</param>
    /// <example>
    /// {"userId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "outcome": "issued", "rank": 42, "reason": null, "eventSequence": 1234,
    /// "at": "2026-05-01T09:30:00Z", "voucherCode": "7KQM-2XRT-9FHB"}
    /// </example>
    internal sealed record DecisionView(
        Guid UserId, [AllowedValues("issued", "refused")] string Outcome,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? Rank,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reason, long EventSequence, DateTimeOffset At,
        string? VoucherCode);

    private sealed record Cursor(string Source, long Sequence);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/campaigns/{id}/decisions", Handle)
        .ForMembers().WithTags("Campaigns")
        .WithSummary("The decisions of a campaign in log order. Operators see those of all users, or of one user with `?userId=`; members "
            + "see their own. A user has one decision for each voucher, and one for each reason of a refusal.")
        .Produces<Page<DecisionView>>()
        .CatchesUp(PromotionsModule.IssueVouchersSubscription);

    private static async Task<IResult> Handle(
        string id, string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module,
        CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Cursor? after, out var problem))
            return problem!;
        Guid? user = caller.IsOperator() ? null : caller.UserId();
        if (userId is not null)
        {
            if (!Guid.TryParse(userId, out var asked) || (!caller.IsOperator() && asked != caller.UserId()))
                return Problems.NotFound("user");
            user = asked;
        }
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        if (!Guid.TryParse(id, out var campaignId) || !await ExistsAsync(connection, campaignId, ct))
            return Problems.NotFound("campaign");

        // By one user, the index on users comes first; of all users, the log order of the campaign.
        var decisions = user is null
            ? "promotions.decisions"
            : "(select * from promotions.decisions where campaign_id = $1 and user_id = $5 offset 0) d";
        var found = await connection.Command($"""
            select source, sequence, user_id, rank, reason, at, voucher_code
            from {decisions}
            where campaign_id = $1 and (source, sequence) > ($2, $3)
            order by source, sequence
            limit $4
            """, campaignId, after?.Source ?? "", after?.Sequence ?? 0, limit + 1, user)
            .ReadAllAsync(row => (Place: new Cursor(row.GetString(0), row.GetInt64(1)), View: Read(row)), ct);
        return TypedResults.Ok(PageQuery.Page(found, limit, row => row.Place, row => row.View));
    }

    private static DecisionView Read(NpgsqlDataReader row)
    {
        var (rank, reason) = (row.GetNullable<long>(3), row.GetNullable<string>(4));
        return new DecisionView(
            row.GetGuid(2), reason is null ? "issued" : "refused", rank, reason, row.GetInt64(1), row.GetDateTime(5),
            row.GetNullable<string>(6));
    }

    private static Task<bool> ExistsAsync(NpgsqlConnection connection, Guid campaignId, CancellationToken ct) =>
        connection.Command("select exists (select from promotions.campaigns where id = $1)", campaignId).ScalarAsync<bool>(ct);
}
