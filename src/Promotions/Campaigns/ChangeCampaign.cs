namespace Boon.Promotions.Campaigns;

/// <summary>Changes a campaign; the change applies to exactly the events after the subscription's checkpoint at that moment.</summary>
internal static class ChangeCampaign
{
    /// <summary>The body of PATCH /v1/campaigns/{id}: absent members stay, null clears what is optional.</summary>
    /// <param name="Name">For operators: 1 to 200 characters.</param>
    /// <param name="Description">For operators.</param>
    /// <param name="State">What it becomes.</param>
    /// <param name="EndsAt">Events recorded from here on are not judged.</param>
    /// <param name="Limit">How many vouchers there are; not less than are issued.</param>
    /// <example>{"state": "paused", "limit": 200}</example>
    internal sealed record Request(
        [Length(1, CampaignRules.LongestName)] string? Name, [Length(0, CampaignRules.LongestDescription), Clearable] string? Description,
        [AllowedValues(RuleState.Draft, RuleState.Active, RuleState.Paused, RuleState.Ended)] string? State,
        [Clearable] DateTimeOffset? EndsAt,
        [Range(1L, CampaignRules.LargestLimit)] long? Limit);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPatch("/v1/campaigns/{id}", Handle)
        .WithUnit<PromotionsDb>().ForOperators().WithTags("Campaigns")
        .WithSummary("Changes name, description, state, endsAt or limit.")
        .WithDescription("409 `limit-below-issued` for a limit below what is issued; 409 `campaign-ended` when it has ended for good; a "
            + "campaign that left draft cannot return to it (409 `invalid-state`).")
        .Produces<CampaignView>()
        .Refuses(StatusCodes.Status409Conflict, "limit-below-issued", "campaign-ended", "invalid-state");

    private static async Task<IResult> Handle(
        string id, Patch<Request> patch, ClaimsPrincipal caller, PromotionsDb db, Unit<PromotionsDb> unit, RuleTriggers triggers,
        CancellationToken ct)
    {
        var request = patch.Value;
        var validation = new Validation();
        patch.Check(validation);
        if (request.Name is not null)
            validation.Text(request.Name, "name", 1, CampaignRules.LongestName, kind: TextKind.Name);
        validation.Text(request.Description, "description", 0, CampaignRules.LongestDescription, required: false, kind: TextKind.Prose);
        RuleState.CheckChange(validation, request.State);
        validation.Check(request.Limit is null or (>= 1 and <= CampaignRules.LargestLimit), "limit",
            $"must be 1 to {CampaignRules.LargestLimit}");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (!Guid.TryParse(id, out var campaignId))
            return Problems.NotFound("campaign");

        // Before a connection and the lock are held; a trigger never changes.
        if (await db.Campaigns.Where(c => c.Id == campaignId).Select(c => new { c.Trigger, c.WhenJson }).SingleOrDefaultAsync(
            ct) is not { } rule)
            return Problems.NotFound("campaign");
        var warnings = await triggers.WarningsAsync(rule.Trigger, rule.WhenJson, reversedBy: null, PromotionsModule.ModuleName, ct);
        await unit.BeginAsync(ct);
        var after = await CampaignChanges.BeginAsync(unit, ct);
        if (await unit.Db.Campaigns.AsTracking().SingleOrDefaultAsync(c => c.Id == campaignId, ct) is not { } campaign)
            return Problems.NotFound("campaign");
        if (request.EndsAt <= campaign.StartsAt)
        {
            validation.Fail("endsAt", "must be after startsAt");
            return Problems.Invalid(validation);
        }
        if (request.Limit < campaign.Issued)
            return Problems.Of(StatusCodes.Status409Conflict, "limit-below-issued",
                $"{campaign.Issued} vouchers were issued already; the limit cannot be lower.");
        if (campaign.State == RuleState.Ended && request.State is not (null or RuleState.Ended))
            return Problems.Of(StatusCodes.Status409Conflict, "campaign-ended", "This campaign has ended; create another one.");
        if (campaign.State != RuleState.Draft && request.State == RuleState.Draft)
            return Problems.Of(StatusCodes.Status409Conflict, "invalid-state",
                "A campaign that was active cannot be a draft again; pause it.");

        campaign.Name = request.Name ?? campaign.Name;
        campaign.Description = patch.Clears("description") ? null : request.Description ?? campaign.Description;
        campaign.State = request.State ?? campaign.State;
        campaign.EndsAt = patch.Clears("endsAt") ? null : request.EndsAt ?? campaign.EndsAt;
        campaign.Limit = request.Limit ?? campaign.Limit;
        unit.Append(new CampaignChanged(campaign.Id, campaign.State, campaign.Limit, campaign.EndsAt, after));
        await unit.SaveAsync(ct);
        await CampaignChanges.RecordAsync(unit, campaign, caller.UserId(), after, ct);
        return TypedResults.Ok(await GetCampaigns.ViewAsync(campaign, unit.Connection, ct) with { Warnings = warnings });
    }
}
