using Boon.Quests.Progress;
using FsCheck;
using FsCheck.Fluent;
using Outcome = Boon.Quests.Progress.Outcome;

namespace Boon.Unit.Quests;

public sealed class QuestProgressTests
{
    private static QuestRules Rules(int streak, int duplication, bool paused = false, string? unit = null, string? zone = null) =>
        new(Guid.Empty, 1, paused, streak, duplication, CalendarWindow.Of(unit, zone));

    private static (QuestState State, List<Outcome> Outcomes) Fold(QuestRules rules, IEnumerable<int?> periods)
    {
        var (state, outcomes) = (QuestState.Start, new List<Outcome>());
        foreach (var period in periods)
        {
            (state, var outcome) = QuestProgress.Apply(state, rules, period);
            outcomes.Add(outcome);
        }
        return (state, outcomes);
    }

    [Fact]
    public void Three_times_at_most_twice_completes_at_the_third_and_the_sixth_and_never_again()
    {
        var (state, outcomes) = Fold(Rules(3, 2), Enumerable.Repeat<int?>(null, 10));
        outcomes.Index().Where(one => one.Item == Outcome.Completed).Select(one => one.Index + 1).ShouldBe([3, 6]);
        outcomes.Skip(6).ShouldAllBe(outcome => outcome == Outcome.AllCompleted);
        state.ShouldBe(new QuestState(0, 2, null));
    }

    [Fact]
    public void Without_a_window_completions_are_the_least_of_the_duplication_and_the_whole_streaks() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<(byte Streak, byte Duplication, byte Events)>(),
            input =>
            {
                var (streak, duplication) = ((input.Streak % 7) + 1, (input.Duplication % 5) + 1);
                var (state, outcomes) = Fold(Rules(streak, duplication), Enumerable.Repeat<int?>(null, input.Events));
                state.Completions.ShouldBe(Math.Min(duplication, input.Events / streak));
                outcomes.Count(outcome => outcome == Outcome.Completed).ShouldBe(state.Completions);
                state.Streak.ShouldBe(state.Completions == duplication ? 0 : input.Events % streak);
            }));

    [Fact]
    public void With_a_window_completions_are_those_of_a_reference_over_sets_of_days() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<(byte Streak, byte Duplication, byte[] Steps)>(),
        input =>
        {
            var (streak, duplication) = ((input.Streak % 5) + 1, (input.Duplication % 4) + 1);
            var day = 700_000;
            var days = (input.Steps ?? []).Select(step => day += step % 3).ToList();
            var (state, _) = Fold(Rules(streak, duplication, unit: "day", zone: "UTC"), days.Select(one => (int?)one));
            state.Completions.ShouldBe(Reference(days, streak, duplication));
        }));

    /// <summary>Runs of consecutive days, each cut into whole streaks.</summary>
    private static int Reference(List<int> days, int streak, int duplication)
    {
        var (completions, run, last) = (0, 0, int.MinValue);
        foreach (var day in days.Distinct().Order())
        {
            completions += last == day - 1 ? 0 : run / streak;
            run = last == day - 1 ? run + 1 : 1;
            last = day;
        }
        return Math.Min(duplication, completions + (run / streak));
    }

    [Fact]
    public void An_event_of_an_earlier_day_changes_nothing_and_a_pause_neither()
    {
        var rules = Rules(3, 1, unit: "day", zone: "UTC");
        Fold(rules, [10, 11, 10, 9, 11]).ShouldSatisfyAllConditions(
            fold => fold.State.ShouldBe(new QuestState(2, 0, 11)),
            fold => fold.Outcomes
                .ShouldBe([Outcome.Progressed, Outcome.Progressed, Outcome.TooLate, Outcome.TooLate, Outcome.AlreadyCounted]));
        QuestProgress.Apply(new QuestState(2, 0, 11), rules with { Paused = true }, 12)
            .ShouldBe((new QuestState(2, 0, 11), Outcome.Paused));
    }

    [Fact]
    public void Rules_that_change_keep_the_progress()
    {
        QuestProgress.Apply(new QuestState(2, 0, null), Rules(2, 1), null)
            .ShouldBe((new QuestState(0, 1, null), Outcome.Completed), "a shorter streak completes at the next event");
        QuestProgress.Apply(new QuestState(2, 0, null), Rules(5, 1), null).ShouldBe((new QuestState(3, 0, null), Outcome.Progressed));
        QuestProgress.Apply(new QuestState(0, 2, null), Rules(3, 1), null).Outcome.ShouldBe(Outcome.AllCompleted);
        QuestProgress.Apply(new QuestState(0, 2, null), Rules(3, 3), null).Outcome.ShouldBe(Outcome.Progressed);
    }

    private static DateTime Utc(string text) =>
        DateTime.Parse(
            text, null, System.Globalization.DateTimeStyles.AdjustToUniversal | System.Globalization.DateTimeStyles.AssumeUniversal);

    [Theory]
    // Amsterdam goes to summer time on 2026-03-29 (23 hours) and back on 2026-10-25 (25 hours).
    [InlineData("day", "Europe/Amsterdam", "2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", 1)]
    [InlineData("day", "Europe/Amsterdam", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", 0)]
    [InlineData("day", "Europe/Amsterdam", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 1)]
    [InlineData("day", "Europe/Amsterdam", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", 0)]
    [InlineData("day", "Europe/Amsterdam", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 1)]
    // The hour that happens twice in New York.
    [InlineData("day", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", 0)]
    // The zone is the quest's: one moment is another day elsewhere.
    [InlineData("day", "Pacific/Kiritimati", "2026-01-01T09:59:59Z", "2026-01-01T10:00:00Z", 1)]
    [InlineData("day", "Pacific/Pago_Pago", "2026-01-01T09:59:59Z", "2026-01-01T10:00:00Z", 0)]
    [InlineData("day", "Asia/Kathmandu", "2026-01-01T18:14:59Z", "2026-01-01T18:15:00Z", 1)]
    [InlineData("week", "Europe/Amsterdam", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", 1)]
    [InlineData("week", "Europe/Amsterdam", "2026-03-22T23:00:00Z", "2026-03-29T21:59:59Z", 0)]
    [InlineData("week", "UTC", "2025-12-31T12:00:00Z", "2026-01-04T12:00:00Z", 0)]
    [InlineData("day", "UTC", "2028-02-28T12:00:00Z", "2028-03-01T12:00:00Z", 2)]
    public void Periods_are_those_of_the_quests_zone(string unit, string zone, string from, string to, int apart)
    {
        var window = CalendarWindow.Of(unit, zone)!;
        (window.PeriodOf(Utc(to)) - window.PeriodOf(Utc(from))).ShouldBe(apart);
    }

    [Fact]
    public void Every_day_of_ten_years_follows_the_day_before_in_every_zone()
    {
        foreach (var zone in (string[])[
            "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Sao_Paulo", "Asia/Tehran",
            "Pacific/Chatham"])
        {
            var window = CalendarWindow.Of("day", zone)!;
            var last = window.PeriodOf(Utc("2016-01-01T00:00:00Z"));
            for (var hour = Utc("2016-01-01T01:00:00Z"); hour.Year < 2026; hour = hour.AddHours(1))
            {
                var period = window.PeriodOf(hour);
                (period - last).ShouldBeInRange(0, 1, $"{zone} {hour:O}");
                last = period;
            }
        }
    }

    [Fact]
    public void A_day_that_the_zone_skipped_was_not_missed()
    {
        var samoa = CalendarWindow.Of("day", "Pacific/Apia")!;
        var (before, after) = (samoa.PeriodOf(Utc("2011-12-30T09:00:00Z")), samoa.PeriodOf(Utc("2011-12-30T11:00:00Z")));
        (after - before).ShouldBe(2);
        samoa.Follows(before, after).ShouldBeTrue();
        CalendarWindow.Of("day", "UTC")!.Follows(before, after).ShouldBeFalse();
    }

    [Fact]
    public void A_streak_is_worth_nothing_once_a_whole_period_has_passed()
    {
        var rules = Rules(5, 1, unit: "day", zone: "Europe/Amsterdam");
        var state = new QuestState(2, 0, rules.Window!.PeriodOf(Utc("2026-03-28T12:00:00Z")));
        QuestProgress.StreakAt(state, rules, Utc("2026-03-29T21:59:59Z")).ShouldBe(2);
        QuestProgress.StreakAt(state, rules, Utc("2026-03-29T22:00:00Z")).ShouldBe(0);
        QuestProgress.StreakAt(state with { Period = null }, Rules(5, 1), Utc("2026-03-29T22:00:00Z")).ShouldBe(2);
    }
}
