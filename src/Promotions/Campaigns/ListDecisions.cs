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
        Guid UserId, [AllowedValues("issued", "refused")] string Outcome, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? Rank,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reason, long EventSequence, DateTimeOffset At, string? VoucherCode);

    private sealed record Cursor(string Source, long Sequence);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/campaigns/{id}/decisions", Handle)
        .ForMembers().WithTags("Campaigns")
        .WithSummary("The decisions of a campaign in log order. Operators see those of all users, or of one user with `?userId=`; members see their own. A user has one decision for each voucher, and one for each reason of a refusal.")
        .Produces<Page<DecisionView>>()
        .CatchesUp(PromotionsModule.IssueVouchersSubscription);

    private static async Task<IResult> Handle(
        string id, string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
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

        await using var command = new NpgsqlCommand($"""
            select source, sequence, user_id, rank, reason, at, voucher_code
            from {(user is null ? "promotions.decisions" : "(select * from promotions.decisions where campaign_id = $1 and user_id = $5 offset 0) d")}
            where campaign_id = $1 and (source, sequence) > ($2, $3)
            order by source, sequence limit $4
            """, connection)
        {
            Parameters =
            {
                new() { Value = campaignId },
                new() { Value = after?.Source ?? "" },
                new() { Value = after?.Sequence ?? 0 },
                new() { Value = limit + 1 },
            },
        };
        if (user is not null)
            command.Parameters.Add(new() { Value = user });
        var found = new List<(Cursor Place, DecisionView View)>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                found.Add((new Cursor(reader.GetString(0), reader.GetInt64(1)), new DecisionView(
                    reader.GetGuid(2), reader.IsDBNull(4) ? "issued" : "refused", reader.IsDBNull(3) ? null : reader.GetInt64(3),
                    reader.IsDBNull(4) ? null : reader.GetString(4), reader.GetInt64(1), reader.GetDateTime(5), reader.IsDBNull(6) ? null : reader.GetString(6))));
        return TypedResults.Ok(PageQuery.Page(found, limit, row => row.Place, row => row.View));
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, Guid campaignId, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select exists (select from promotions.campaigns where id = $1)", connection) { Parameters = { new() { Value = campaignId } } };
        return await command.ExecuteScalarAsync(ct) is true;
    }
}
