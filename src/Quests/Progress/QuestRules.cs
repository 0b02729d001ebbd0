namespace Boon.Quests.Progress;

/// <summary>The rules of one version of a quest by which an event is judged.</summary>
internal sealed record QuestRules(Guid QuestId, int Version, bool Paused, int Streak, int Duplication, CalendarWindow? Window)
{
    /// <summary>The same quest under other rules; the window never changes.</summary>
    internal static QuestRules Of(Guid questId, int version, string state, int streak, int duplication, string? unit, string? timeZone) =>
        new(questId, version, state == RuleState.Paused, streak, duplication, CalendarWindow.Of(unit, timeZone));
}
