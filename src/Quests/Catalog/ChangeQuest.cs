namespace Boon.Quests.Catalog;

/// <summary>Changes a quest; the change applies to exactly the events after the subscription's checkpoints at that moment.</summary>
internal static class ChangeQuest
{
    /// <summary>The body of PATCH /v1/quests/{id}: absent members stay, null clears what is optional.</summary>
    /// <param name="Name">For people: 1 to 200 characters.</param>
    /// <param name="Description">For people.</param>
    /// <param name="RewardId">What a completion gives from now on.</param>
    /// <param name="Streak">Events to a completion.</param>
    /// <param name="Duplication">Completions of one user, at most.</param>
    /// <param name="AutoClaim">True: the reward comes by itself.</param>
    /// <param name="State">What it becomes.</param>
    /// <example>{"streak": 5, "state": "paused"}</example>
    internal sealed record Request(
        [Length(1, QuestChecks.LongestName)] string? Name, [Length(0, QuestChecks.LongestDescription), Clearable] string? Description,
        Guid? RewardId,
        [Range(1, QuestChecks.LongestStreak)] int? Streak, [Range(1, QuestChecks.MostCompletions)] int? Duplication, bool? AutoClaim,
        [AllowedValues(RuleState.Draft, RuleState.Active, RuleState.Paused, RuleState.Ended)] string? State);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPatch("/v1/quests/{id}", Handle)
        .RefreshesCatalog().WithUnit<QuestsDb>().ForOperators().WithTags("Quests")
        .WithSummary("Changes name, description, rewardId, streak, duplication, autoClaim or state.")
        .WithDescription("Users keep their streaks and completions. 409 `quest-ended` when it has ended for good; a quest that left draft "
            + "cannot return to it (409 `invalid-state`).")
        .Produces<QuestView>()
        .Refuses(StatusCodes.Status409Conflict, "quest-ended", "invalid-state");

    private static async Task<IResult> Handle(
        string id, Patch<Request> patch, ClaimsPrincipal caller, CatalogReader catalog, Unit<QuestsDb> unit, RuleTriggers triggers,
        CancellationToken ct)
    {
        var request = patch.Value;
        var validation = new Validation();
        patch.Check(validation);
        if (request.Name is not null)
            validation.Text(request.Name, "name", 1, QuestChecks.LongestName, kind: TextKind.Name);
        validation.Text(request.Description, "description", 0, QuestChecks.LongestDescription, required: false, kind: TextKind.Prose);
        QuestChecks.Streak(validation, request.Streak);
        QuestChecks.Duplication(validation, request.Duplication);
        RuleState.CheckChange(validation, request.State);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (!Guid.TryParse(id, out var questId))
            return Problems.NotFound("quest");

        // Before a connection and the lock are held; a trigger never changes.
        var warnings = catalog.Current.Quests.TryGetValue(questId, out var known)
            ? await triggers.WarningsAsync(known.Trigger, known.WhenJson, known.ReversedBy, QuestsModule.ModuleName, ct) : null;
        await unit.BeginAsync(ct);
        var after = await QuestHistory.BeginAsync(unit, ct);
        if (await unit.Db.Quests.FindAsync([questId], ct) is not { } quest)
            return Problems.NotFound("quest");
        if (await unit.Db.Rewards.FindAsync([request.RewardId ?? quest.RewardId], ct) is not { } reward)
            return QuestHistory.NoSuchReward();
        if (quest.ReversedBy is not null && !reward.CanBeTakenBack)
            return QuestHistory.NotTakenBack();
        if (quest.State == RuleState.Ended && request.State is not (null or RuleState.Ended))
            return Problems.Of(StatusCodes.Status409Conflict, "quest-ended", "This quest has ended; create another one.");
        if (quest.State != RuleState.Draft && request.State == RuleState.Draft)
            return Problems.Of(StatusCodes.Status409Conflict, "invalid-state",
                "A quest that was active cannot be a draft again; pause it.");

        quest.Name = request.Name ?? quest.Name;
        quest.Description = patch.Clears("description") ? null : request.Description ?? quest.Description;
        quest.RewardId = reward.Id;
        quest.Streak = request.Streak ?? quest.Streak;
        quest.Duplication = request.Duplication ?? quest.Duplication;
        quest.AutoClaim = request.AutoClaim ?? quest.AutoClaim;
        quest.State = request.State ?? quest.State;
        quest.Version++;
        unit.Append(new QuestChanged(
            quest.Id, quest.Name, quest.Version, quest.RewardId, quest.Streak, quest.Duplication, quest.AutoClaim, quest.State, after));
        await unit.SaveAsync(ct);
        await QuestHistory.RecordAsync(unit, quest, caller.UserId(), after, ct);
        return TypedResults.Ok(QuestView.Of(quest, reward) with { Warnings = warnings });
    }
}
