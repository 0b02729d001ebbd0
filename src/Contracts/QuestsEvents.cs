using System.ComponentModel.DataAnnotations;

namespace Boon.Contracts;

/// <summary>A calendar window: an event counts once in each unit of a time zone.</summary>
/// <param name="Unit"><c>day</c> or <c>week</c>, Monday first.</param>
/// <param name="TimeZone">An IANA name, such as <c>Europe/Amsterdam</c>.</param>
public sealed record QuestWindow([AllowedValues("day", "week")] string Unit, [Length(1, 100)] string TimeZone);

/// <summary>
/// A reward was created: <paramref name="Quantity"/> of <paramref name="Item"/> (<c>gold</c>, <c>diamond</c> or <c>coupon:TYPE</c>).
/// </summary>
public sealed record RewardCreated(Guid RewardId, string RewardName, string Item, int Quantity) : IEvent
{
    public static string Name => "quests.reward-created.v1";
    string IEvent.AggregateType => "reward";
    string IEvent.AggregateId => RewardId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>A quest was created; it counts the events that come after this.</summary>
public sealed record QuestCreated(
    Guid QuestId, string QuestName, Guid RewardId, string Trigger, string? ReversedBy, int Streak, int Duplication, bool AutoClaim,
    QuestWindow? Window, string State) : IEvent
{
    public static string Name => "quests.quest-created.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>
/// A quest's rules changed; <paramref name="Version"/> counts from 1. The change applies to exactly the events after
/// <paramref name="After"/>: for each source, the log sequence at which each lane stood.
/// </summary>
public sealed record QuestChanged(
    Guid QuestId, string QuestName, int Version, Guid RewardId, int Streak, int Duplication, bool AutoClaim, string State,
    Dictionary<string, long[]> After) : IEvent
{
    public static string Name => "quests.quest-changed.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>
/// A user came a step further: <paramref name="Streak"/> of <paramref name="StreakOf"/>, with <paramref name="Completions"/> of
/// <paramref name="CompletionsOf"/> done.
/// </summary>
public sealed record QuestProgressed(Guid QuestId, Guid UserId, int Streak, int StreakOf, int Completions, int CompletionsOf) : IEvent
{
    public static string Name => "quests.quest-progressed.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// An event that had counted was reversed, and the user stands where the other events lead: at <paramref name="Streak"/> of
/// <paramref name="StreakOf"/>, with <paramref name="Completions"/> of <paramref name="CompletionsOf"/> done.
/// </summary>
public sealed record ProgressReversed(Guid QuestId, Guid UserId, int Streak, int StreakOf, int Completions, int CompletionsOf) : IEvent
{
    public static string Name => "quests.progress-reversed.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A user completed a quest for the <paramref name="Number"/>th time, from 1.</summary>
public sealed record QuestCompleted(Guid QuestId, Guid UserId, int Number, Guid RewardId, string Item, int Quantity, bool AutoClaim)
    : IEvent
{
    public static string Name => "quests.quest-completed.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// The reward of a user's completion <paramref name="Number"/> was claimed, by the user or by itself: at most once in the completion's
/// life.
/// </summary>
public sealed record RewardClaimed(Guid QuestId, Guid UserId, int Number, Guid RewardId, string Item, int Quantity, bool Automatic) : IEvent
{
    /// <summary>What an <see cref="Item"/> that is a coupon begins with; the coupon type follows.</summary>
    public const string CouponPrefix = "coupon:";

    public static string Name => "quests.reward-claimed.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// A user's completion <paramref name="Number"/> was taken back, because an event that it rests on was reversed. Its reward is taken back
/// too if it was <paramref name="Claimed"/>, and can no longer be claimed if it was not.
/// </summary>
public sealed record CompletionWithdrawn(Guid QuestId, Guid UserId, int Number, Guid RewardId, string Item, int Quantity, bool Claimed)
    : IEvent
{
    public static string Name => "quests.completion-withdrawn.v1";
    string IEvent.AggregateType => "quest";
    string IEvent.AggregateId => QuestId.ToString();
    Guid? IEvent.UserId => UserId;
}
