using Boon.Quests.Progress;
using FsCheck;
using FsCheck.Fluent;

namespace Boon.Unit.Quests;

public sealed class StandingEventsTests
{
    private static QuestRules Rules(int streak, int duplication, string? unit = null) =>
        new(Guid.Empty, 1, Paused: false, streak, duplication, CalendarWindow.Of(unit, unit is null ? null : "UTC"));

    private static StandingEvent Event(long position, string subject, QuestRules rules, int? period = null) =>
        new(position, subject, rules, period);

    [Fact]
    public void What_is_placed_and_cancelled_again_and_again_gives_nothing_and_no_number_twice()
    {
        var (events, rules, numbers) = (new StandingEvents(), Rules(1, 3), new List<int>());
        for (var i = 1; i <= 10; i++)
        {
            numbers.Add(events.Add(Event(i, $"order {i}", rules)).ShouldNotBeNull());
            events.Reverse($"order {i}").Withdrawn.ShouldBe([numbers[^1]]);
            events.State.ShouldBe(new QuestState(0, 0, null, Withdrawn: i));
        }
        numbers.ShouldBe(Enumerable.Range(1, 10));
    }

    [Fact]
    public void A_reversal_of_nothing_or_of_what_was_reversed_changes_nothing()
    {
        var (events, rules) = (new StandingEvents(), Rules(2, 1));
        events.Add(Event(1, "a", rules));
        events.Reverse("b").Reversed.ShouldBeEmpty();
        events.Reverse("a").Reversed.Count.ShouldBe(1);
        var (reversed, withdrawn, given) = events.Reverse("a");
        (reversed.Count, withdrawn.Count, given.Count, events.State).ShouldBe((0, 0, 0, QuestState.Start));
    }

    [Fact]
    public void An_event_that_waited_behind_the_limit_takes_the_place_of_a_reversed_one()
    {
        var (events, rules) = (new StandingEvents(), Rules(1, 2));
        for (var i = 1; i <= 3; i++)
            events.Add(Event(i, $"order {i}", rules));
        events.Reverse("order 1").Withdrawn.ShouldBeEmpty("the third counts now");
        events.Reverse("order 2").Withdrawn.ShouldBe([2]);
        events.Add(Event(4, "order 4", rules)).ShouldBe(3);
    }

    [Fact]
    public void Events_that_came_too_late_count_once_the_one_before_them_is_reversed()
    {
        var (events, rules) = (new StandingEvents(), Rules(1, 9, "day"));
        events.Add(Event(1, "late", rules, 110)).ShouldBe(1);
        for (var day = 101; day <= 103; day++)
            events.Add(Event(day, $"early {day}", rules, day)).ShouldBeNull();
        events.Reverse("late").Given.ShouldBe([2, 3]);
        events.State.ShouldBe(new QuestState(0, 3, 103));
    }

    /// <summary>Whatever comes, the state is the fold of the events that stand, and every number lives once.</summary>
    [Fact]
    public void The_state_is_what_the_events_that_stand_give() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<(byte Streak, byte Duplication, bool Window, (byte Subject, bool Reverses, byte Step)[] Steps)>(), input =>
        {
            string? unit = input.Window ? "day" : null;
            QuestRules[] versions =
                [Rules((input.Streak % 4) + 1, (input.Duplication % 4) + 1, unit), Rules((input.Streak % 3) + 1, 5, unit)];
            var (events, standing, day, position) = (new StandingEvents(), new List<StandingEvent>(), 700_000, 0);
            var (ever, alive) = (new HashSet<int>(), new HashSet<int>());
            foreach (var (subject, reverses, step) in input.Steps ?? [])
            {
                var about = $"{subject % 6}";
                day += (step % 5) - 1;
                if (reverses)
                {
                    var (reversed, withdrawn, given) = events.Reverse(about);
                    reversed.Count.ShouldBe(standing.RemoveAll(one => one.Subject == about));
                    foreach (var number in given)
                        ever.Add(number).ShouldBeTrue();
                    alive.UnionWith(given);
                    alive.ExceptWith(withdrawn);
                }
                else
                {
                    standing.Add(Event(++position, about, versions[step % 2], input.Window ? day : null));
                    if (events.Add(standing[^1]) is { } number)
                        (ever.Add(number) && alive.Add(number)).ShouldBeTrue();
                }
                var state = standing.Aggregate(QuestState.Start, (at, one) => QuestProgress.Apply(at, one.Rules, one.Period).State);
                (events.State with { Withdrawn = 0 }).ShouldBe(state);
                alive.Count.ShouldBe(state.Completions);
                events.State.Number.ShouldBe(ever.Count);
            }
        }));
}
