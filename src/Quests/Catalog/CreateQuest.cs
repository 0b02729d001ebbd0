using System.Text.Json;

namespace Boon.Quests.Catalog;

/// <summary>Creates a quest. It counts the events that come after its creation only.</summary>
internal static class CreateQuest
{
    /// <summary>The body of POST /v1/quests.</summary>
    /// <param name="Name">For people: 1 to 200 characters.</param>
    /// <param name="Description">For people.</param>
    /// <param name="RewardId">What a completion gives.</param>
    /// <param name="Trigger">The event that counts, such as <c>identity.user-signed-in</c> (all versions) or
    /// <c>identity.user-signed-in.v1</c>; none of <c>quests.*</c>.</param>
    /// <param name="When">Members that the event's data must have.</param>
    /// <param name="ReversedBy">The event that takes back what counted of the same order, or whatever the two are about, such as
    /// <c>orders.order-cancelled</c>; none: what counted stays.</param>
    /// <param name="Streak">Events to a completion; default 1.</param>
    /// <param name="Duplication">Completions of one user, at most; default 1.</param>
    /// <param name="AutoClaim">True: the reward comes by itself. False (default): the member claims it.</param>
    /// <param name="Window">None: every event counts. Else an event counts once for each day or week of a time zone, and a missed one
    /// starts the streak again.</param>
    /// <param name="State"><c>active</c> (default) or <c>draft</c>.</param>
    /// <example>
    /// {"name": "Three sign-ins", "rewardId": "01931a5e-7f00-7000-8000-000000000000", "trigger": "identity.user-signed-in", "streak": 3,
    /// "duplication": 2}
    /// </example>
    internal sealed record Request(
        [Required, Length(1, QuestChecks.LongestName)] string? Name, [Length(0, QuestChecks.LongestDescription)] string? Description,
        [Required] Guid? RewardId,
        [Required] string? Trigger, JsonElement? When, string? ReversedBy, [Range(1, QuestChecks.LongestStreak)] int? Streak,
        [Range(1, QuestChecks.MostCompletions)] int? Duplication,
        bool? AutoClaim, QuestWindow? Window, [AllowedValues(RuleState.Active, RuleState.Draft)] string? State);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/quests", Handle)
        .RefreshesCatalog().WithUnit<QuestsDb>(idempotent: true).ForOperators().WithTags("Quests")
        .WithSummary("Creates a quest.")
        .WithDescription("It counts the events that come after its creation.")
        .Produces<QuestView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status503ServiceUnavailable, "source-unreachable");

    private static async Task<IResult> Handle(
        Request request, ClaimsPrincipal caller, Unit<QuestsDb> unit, RuleTriggers triggers, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Name, "name", 1, QuestChecks.LongestName, kind: TextKind.Name);
        validation.Text(request.Description, "description", 0, QuestChecks.LongestDescription, required: false, kind: TextKind.Prose);
        validation.Require(request.RewardId, "rewardId");
        triggers.Check(validation, request.Trigger, request.When, QuestsModule.ModuleName);
        triggers.CheckReversal(validation, request.ReversedBy, request.Trigger, QuestsModule.ModuleName);
        QuestChecks.Streak(validation, request.Streak);
        QuestChecks.Duplication(validation, request.Duplication);
        QuestChecks.Window(validation, request.Window);
        RuleState.CheckNew(validation, request.State);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        // What was answered before this request stands up to these places, however busy the sequencers are.
        var heads = await triggers.SettledHeadsAsync(QuestsModule.ModuleName, ct);
        var warnings = await triggers.WarningsAsync(
            request.Trigger!, request.When?.GetRawText(), request.ReversedBy, QuestsModule.ModuleName, ct);
        await unit.BeginAsync(ct);
        if (await unit.Db.Rewards.FindAsync([request.RewardId!.Value], ct) is not { } reward)
            return QuestHistory.NoSuchReward();
        if (request.ReversedBy is not null && !reward.CanBeTakenBack)
            return QuestHistory.NotTakenBack();
        var quest = new Quest
        {
            Id = OrderedId.New(),
            Name = request.Name!,
            Description = request.Description,
            RewardId = reward.Id,
            Trigger = request.Trigger!,
            WhenJson = request.When?.GetRawText(),
            ReversedBy = request.ReversedBy,
            Streak = request.Streak ?? 1,
            Duplication = request.Duplication ?? 1,
            AutoClaim = request.AutoClaim ?? false,
            WindowUnit = request.Window?.Unit,
            TimeZone = request.Window?.TimeZone,
            State = request.State ?? RuleState.Active,
            Version = 1,
        };
        var after = await QuestHistory.BeginAsync(unit, ct);
        quest.CountsAfterJson = RuleStart.Json(heads, source => after.TryGetValue(source, out var lanes) ? lanes.Max() : 0);
        unit.Db.Add(quest);
        unit.Append(new QuestCreated(
            quest.Id, quest.Name, quest.RewardId, quest.Trigger, quest.ReversedBy, quest.Streak, quest.Duplication, quest.AutoClaim,
            quest.Window, quest.State));
        await unit.SaveAsync(ct);
        await QuestHistory.RecordAsync(unit, quest, caller.UserId(), after, ct);
        return TypedResults.Created($"/v1/quests/{quest.Id}", QuestView.Of(quest, reward) with { Warnings = warnings });
    }
}
