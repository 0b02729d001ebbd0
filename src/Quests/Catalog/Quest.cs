using System.Text.Json;
using NodaTime;

namespace Boon.Quests.Catalog;

/// <summary>A quest: which events bring a user forward, after how many it is completed, how often, and what that gives.</summary>
internal sealed class Quest
{
    public required Guid Id { get; init; }
    public required string Name { get; set; }
    public string? Description { get; set; }
    public required Guid RewardId { get; set; }
    public required string Trigger { get; init; }

    /// <summary>Members of the event's data that must be equal, as a JSON object; null: every event of the trigger counts.</summary>
    public string? WhenJson { get; init; }

    /// <summary>The event that takes back what counted of the same thing; null: what counted stays.</summary>
    public string? ReversedBy { get; init; }

    /// <summary>Events to a completion.</summary>
    public required int Streak { get; set; }

    /// <summary>Completions of one user, at most.</summary>
    public required int Duplication { get; set; }
    public required bool AutoClaim { get; set; }

    /// <summary><c>day</c> or <c>week</c>; null: every event counts.</summary>
    public string? WindowUnit { get; init; }

    /// <summary>An IANA name; set with <see cref="WindowUnit"/>.</summary>
    public string? TimeZone { get; init; }
    public required string State { get; set; }

    /// <summary>Counts the changes of the rules, from 1.</summary>
    public required int Version { get; set; }
    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>The place in each log after which it counts, see <see cref="RuleStart"/>.</summary>
    public string CountsAfterJson { get; set; } = "{}";

    internal QuestWindow? Window => WindowUnit is null ? null : new QuestWindow(WindowUnit, TimeZone!);
}

/// <summary>A quest, as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Description">For people.</param>
/// <param name="RewardId">What a completion gives.</param>
/// <param name="Reward">The same, in full.</param>
/// <param name="Trigger">The event that counts.</param>
/// <param name="When">Members that the event's data must have.</param>
/// <param name="ReversedBy">The event that takes back what counted of the same thing; none: what counted stays.</param>
/// <param name="Streak">Events to a completion.</param>
/// <param name="Duplication">Completions of one user, at most.</param>
/// <param name="AutoClaim">True: the reward comes by itself.</param>
/// <param name="Window">The calendar window in which an event counts once; none: every event counts.</param>
/// <param name="State">Its state.</param>
/// <param name="CreatedAt">When it was created; it counts what comes after that in the logs.</param>
/// <param name="Warnings">For who creates or changes it: why its trigger may never fire.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "name": "Three sign-ins", "rewardId": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c",
/// "reward": {"id": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "name": "10 diamonds", "item": "diamond", "quantity": 10}, "trigger":
/// "identity.user-signed-in", "streak": 3, "duplication": 2, "autoClaim": false, "window": {"unit": "day", "timeZone":
/// "Europe/Amsterdam"}, "state": "active", "createdAt": "2026-05-01T09:30:00Z"}
/// </example>
internal sealed record QuestView(
    Guid Id, string Name, string? Description, Guid RewardId, RewardView Reward, string Trigger, JsonElement? When, string? ReversedBy,
    int Streak, int Duplication, bool AutoClaim, QuestWindow? Window,
    [AllowedValues(RuleState.Draft, RuleState.Active, RuleState.Paused, RuleState.Ended)] string State, DateTimeOffset CreatedAt,
    string[]? Warnings = null)
{
    internal static QuestView Of(Quest quest, Reward reward) => new(
        quest.Id, quest.Name, quest.Description, quest.RewardId, RewardView.Of(reward), quest.Trigger,
        quest.WhenJson is null ? null : JsonSerializer.Deserialize<JsonElement>(quest.WhenJson), quest.ReversedBy,
        quest.Streak, quest.Duplication, quest.AutoClaim, quest.Window, quest.State, quest.CreatedAt);
}

/// <summary>What a quest's members can be. Pure.</summary>
internal static class QuestChecks
{
    internal const int LongestName = 200;
    internal const int LongestDescription = 2_000;
    internal const int LongestTimeZone = 100;
    internal const int LongestStreak = 1_000_000;
    internal const int MostCompletions = 1_000_000;

    internal static void Streak(Validation validation, int? streak) =>
        validation.Check(streak is null or (>= 1 and <= LongestStreak), "streak", $"must be 1 to {LongestStreak}");

    internal static void Duplication(Validation validation, int? duplication) =>
        validation.Check(duplication is null or (>= 1 and <= MostCompletions), "duplication", $"must be 1 to {MostCompletions}");

    internal static void Window(Validation validation, QuestWindow? window)
    {
        if (window is null)
            return;
        validation.Check(window.Unit is "day" or "week", "window.unit", "must be day or week");
        if (validation.Text(window.TimeZone, "window.timeZone", 1, LongestTimeZone))
            validation.Check(DateTimeZoneProviders.Tzdb.GetZoneOrNull(window.TimeZone) is not null, "window.timeZone",
                "must be an IANA time zone, such as Europe/Amsterdam");
    }
}
