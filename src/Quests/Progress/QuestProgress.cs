using System.Runtime.InteropServices;

namespace Boon.Quests.Progress;

/// <summary>How far a user is with a quest.</summary>
/// <param name="Streak">Events counted towards the next completion.</param>
/// <param name="Completions">Completions that stand.</param>
/// <param name="Period">The last calendar period in which an event counted (see <see cref="CalendarWindow"/>); null: none, or the quest has
/// no window.</param>
/// <param name="Withdrawn">Completions that were taken back. Their numbers are not given again.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QuestState(int Streak, int Completions, int? Period, int Withdrawn = 0)
{
    internal static QuestState Start { get; }

    /// <summary>The number of the last completion that there ever was.</summary>
    internal int Number => Completions + Withdrawn;
}

/// <summary>What an event did.</summary>
internal enum Outcome
{
    /// <summary>It counted.</summary>
    Progressed,

    /// <summary>It counted and completed the quest once more.</summary>
    Completed,

    /// <summary>Nothing: the quest was completed as often as it can be.</summary>
    AllCompleted,

    /// <summary>Nothing: another event counted in the same period.</summary>
    AlreadyCounted,

    /// <summary>Nothing: it happened in an earlier period than one that counted.</summary>
    TooLate,

    /// <summary>Nothing: the quest was paused.</summary>
    Paused,

    /// <summary>It took back events that had been received before.</summary>
    Reversed,
}

/// <summary>
/// Derives progress from events, one after the other. Pure: the same events under the same rules always give the same progress. Without a
/// window, completions are min(duplication, floor(events / streak)).
/// </summary>
internal static class QuestProgress
{
    /// <summary>Applies an event that happened in a calendar period (null for a quest without a window).</summary>
    internal static (QuestState State, Outcome Outcome) Apply(QuestState state, QuestRules rules, int? period)
    {
        if (rules.Paused)
            return (state, Outcome.Paused);
        if (state.Completions >= rules.Duplication)
            return (state, Outcome.AllCompleted);
        if (period == state.Period && period is not null)
            return (state, Outcome.AlreadyCounted);
        if (period < state.Period)
            return (state, Outcome.TooLate);
        var streak = Missed(state.Period, rules.Window, period) ? 1 : state.Streak + 1;
        return streak < rules.Streak
            ? (state with { Streak = streak, Period = period }, Outcome.Progressed)
            : (state with { Streak = 0, Completions = state.Completions + 1, Period = period }, Outcome.Completed);
    }

    /// <summary>The streak as it is worth at a moment: none once a whole period has passed without an event.</summary>
    internal static int StreakAt(QuestState state, QuestRules rules, DateTime now) =>
        rules.Window is { } window && Missed(state.Period, window, window.PeriodOf(now)) ? 0 : state.Streak;

    private static bool Missed(int? last, CalendarWindow? window, int? period) =>
        last is { } from && period is { } to && !window!.Follows(from, to);

    /// <summary>The outcome as it is stored and shown.</summary>
    internal static string NameOf(Outcome outcome) => outcome switch
    {
        Outcome.Progressed => "progressed",
        Outcome.Completed => "completed",
        Outcome.AllCompleted => "all-completed",
        Outcome.AlreadyCounted => "already-counted",
        Outcome.TooLate => "too-late",
        Outcome.Paused => "paused",
        Outcome.Reversed => "reversed",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };
}
