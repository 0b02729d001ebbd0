using System.Text.Json;
using Boon.Promotions.Codes;

namespace Boon.Promotions.Campaigns;

/// <summary>Creates a campaign. It counts the events that come after its creation only.</summary>
internal static class CreateCampaign
{
    /// <summary>The body of POST /v1/campaigns.</summary>
    /// <param name="Name">For operators: 1 to 200 characters.</param>
    /// <param name="Description">For operators.</param>
    /// <param name="Trigger">The event, such as <c>identity.user-signed-in</c> (all versions) or <c>identity.user-signed-in.v1</c>.</param>
    /// <param name="When">Members that the event's data must have, such as <c>{"first": true}</c>.</param>
    /// <param name="Limit">How many vouchers there are.</param>
    /// <param name="PerUser">How many of them one user can get; default 1.</param>
    /// <param name="Benefit">What a voucher takes off.</param>
    /// <param name="VoucherValidFor">ISO 8601 duration, such as <c>P30D</c>.</param>
    /// <param name="MaxUses">How often one voucher can be redeemed; default 1.</param>
    /// <param name="StartsAt">Earlier events are refused: <c>not-started</c>.</param>
    /// <param name="EndsAt">Events recorded from here on are not judged.</param>
    /// <param name="State"><c>active</c> (default) or <c>draft</c>.</param>
    /// <example>
    /// {"name": "First 100 sign-ins", "trigger": "identity.user-signed-in", "when": {"first": true}, "limit": 100,
    /// "benefit": {"kind": "percent", "value": 30, "products": ["mobile-top-up"]}, "voucherValidFor": "P30D"}
    /// </example>
    internal sealed record Request(
        [Required, Length(1, CampaignRules.LongestName)] string? Name, [Length(0, CampaignRules.LongestDescription)] string? Description,
        [Required] string? Trigger, JsonElement? When, [Required, Range(1L, CampaignRules.LargestLimit)] long? Limit,
        [Range(1, CampaignRules.MostPerUser)] int? PerUser, [Required] Benefit? Benefit, [Required] string? VoucherValidFor,
        [Range(1, CodeRules.MostUses)] int? MaxUses,
        DateTimeOffset? StartsAt, DateTimeOffset? EndsAt, [AllowedValues(RuleState.Active, RuleState.Draft)] string? State);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/campaigns", Handle)
        .WithUnit<PromotionsDb>(idempotent: true).ForOperators().WithTags("Campaigns")
        .WithSummary("Creates a campaign.")
        .WithDescription("It judges the events that come after its creation, in log order.")
        .Produces<CampaignView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status503ServiceUnavailable, "source-unreachable");

    private static async Task<IResult> Handle(
        Request request, ClaimsPrincipal caller, Unit<PromotionsDb> unit, RuleTriggers triggers, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Name, "name", 1, CampaignRules.LongestName, kind: TextKind.Name);
        validation.Text(request.Description, "description", 0, CampaignRules.LongestDescription, required: false, kind: TextKind.Prose);
        triggers.Check(validation, request.Trigger, request.When, PromotionsModule.ModuleName);
        if (validation.Require(request.Limit, "limit"))
            validation.Check(request.Limit is >= 1 and <= CampaignRules.LargestLimit, "limit",
                $"must be 1 to {CampaignRules.LargestLimit}");
        validation.Check(request.PerUser is null or (>= 1 and <= CampaignRules.MostPerUser), "perUser",
            $"must be 1 to {CampaignRules.MostPerUser}");
        Benefits.Check(validation, request.Benefit, "benefit");
        CampaignRules.Duration(validation, request.VoucherValidFor, "voucherValidFor");
        validation.Check(request.MaxUses is null or (>= 1 and <= CodeRules.MostUses), "maxUses", $"must be 1 to {CodeRules.MostUses}");
        validation.Check(request.StartsAt is null || request.EndsAt is null || request.StartsAt < request.EndsAt, "endsAt",
            "must be after startsAt");
        RuleState.CheckNew(validation, request.State);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        var campaign = new Campaign
        {
            Id = OrderedId.New(),
            Name = request.Name!,
            Description = request.Description,
            Trigger = request.Trigger!,
            WhenJson = request.When?.GetRawText(),
            Limit = request.Limit!.Value,
            PerUser = request.PerUser ?? 1,
            BenefitJson = JsonSerializer.Serialize(request.Benefit, Json.Options),
            VoucherValidFor = request.VoucherValidFor!,
            MaxUses = request.MaxUses ?? 1,
            StartsAt = request.StartsAt,
            EndsAt = request.EndsAt,
            State = request.State ?? RuleState.Active,
        };
        // What was answered before this request stands up to these places, however busy the sequencers are.
        var heads = await triggers.SettledHeadsAsync(PromotionsModule.ModuleName, ct);
        var warnings = await triggers.WarningsAsync(campaign.Trigger, campaign.WhenJson, reversedBy: null, PromotionsModule.ModuleName, ct);
        await unit.BeginAsync(ct);
        var after = await CampaignChanges.BeginAsync(unit, ct);
        campaign.CountsAfterJson = RuleStart.Json(heads, source => after.GetValueOrDefault(source));
        unit.Db.Add(campaign);
        unit.Append(new CampaignCreated(campaign.Id, campaign.Name, campaign.Trigger, campaign.Limit, campaign.Benefit, campaign.State));
        await unit.SaveAsync(ct);
        await CampaignChanges.RecordAsync(unit, campaign, caller.UserId(), after, ct);
        return TypedResults.Created($"/v1/campaigns/{campaign.Id}", CampaignView.Of(campaign, redeemed: 0) with { Warnings = warnings });
    }
}
