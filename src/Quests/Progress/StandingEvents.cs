namespace Boon.Quests.Progress;

/// <summary>An event that a quest received and that was not reversed.</summary>
/// <param name="Position">Its place in the event store.</param>
/// <param name="Subject">The id of the thing that it is about.</param>
/// <param name="Rules">The rules that it was judged by.</param>
/// <param name="Period">Its calendar period.</param>
internal sealed record StandingEvent(long Position, string Subject, QuestRules Rules, int? Period);

/// <summary>
/// A user's progress with a quest whose events can be reversed. It is what the events that stand give, folded in their order: an event that
/// is reversed is as if it had never come. Completions have numbers, and one that is withdrawn does not give its number to the next: so a
/// reward is given for it once, and taken back once. Pure.
/// </summary>
internal sealed class StandingEvents
{
    private readonly List<(StandingEvent Event, QuestState After)> events = [];
    private readonly Stack<int> numbers;
    private int withdrawn;

    /// <summary>A user who has received nothing.</summary>
    internal StandingEvents()
        : this([], [], 0)
    {
    }

    /// <summary>What is stored of a user.</summary>
    /// <param name="standing">The events that stand, in their order.</param>
    /// <param name="numbers">The numbers of the completions that stand, in their order.</param>
    /// <param name="withdrawn">Completions that were taken back.</param>
    internal StandingEvents(IEnumerable<StandingEvent> standing, IEnumerable<int> numbers, int withdrawn)
    {
        this.withdrawn = withdrawn;
        this.numbers = new Stack<int>(numbers);
        foreach (var one in standing)
            Fold(one);
    }

    /// <summary>How far the user is.</summary>
    internal QuestState State => (events.Count == 0 ? QuestState.Start : events[^1].After) with { Withdrawn = withdrawn };

    /// <summary>Adds an event. Answers the number of the completion that it gave, if it gave one.</summary>
    internal int? Add(StandingEvent one)
    {
        Fold(one);
        return Balance().Given is [var number] ? number : null;
    }

    /// <summary>
    /// Takes back every event about a thing. Answers them, and the numbers of the completions that this withdrew, the newest first, or
    /// gave: an event counts now that a reversed one had kept from counting.
    /// </summary>
    internal (List<StandingEvent> Reversed, List<int> Withdrawn, List<int> Given) Reverse(string subject)
    {
        var first = events.FindIndex(one => one.Event.Subject == subject);
        if (first < 0)
            return ([], [], []);
        var after = events[first..];
        events.RemoveRange(first, after.Count);
        foreach (var (one, _) in after)
            if (one.Subject != subject)
                Fold(one);
        var (gone, given) = Balance();
        return (after.FindAll(one => one.Event.Subject == subject).ConvertAll(one => one.Event), gone, given);
    }

    private void Fold(StandingEvent one)
    {
        var (state, _) = QuestProgress.Apply(events.Count == 0 ? QuestState.Start : events[^1].After, one.Rules, one.Period);
        events.Add((one, state));
    }

    /// <summary>Makes the numbers as many as the completions are.</summary>
    private (List<int> Withdrawn, List<int> Given) Balance()
    {
        var (gone, given, completions) = (new List<int>(), new List<int>(), State.Completions);
        for (; numbers.Count > completions; withdrawn++)
            gone.Add(numbers.Pop());
        while (numbers.Count < completions)
        {
            given.Add(numbers.Count + withdrawn + 1);
            numbers.Push(given[^1]);
        }
        return (gone, given);
    }
}
