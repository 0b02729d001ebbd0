using System.Text.Json;
using Boon.Platform.Input;
using Boon.Platform.Log;

namespace Boon.Platform.Rules;

/// <summary>What an index needs to know of a rule.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Trigger">The events that it means; see <see cref="EventTriggers"/>.</param>
/// <param name="When">Members that their data must have; null: none.</param>
/// <param name="Start">An event that came before means nothing to it.</param>
/// <param name="Until">Nor does one that was recorded at this moment or later: a time that an operator stated; null: it has no end.</param>
public abstract record EventRule(Guid Id, string Trigger, JsonElement? When, RuleStart Start, DateTime? Until)
{
    internal bool Covers(LoggedEvent e) => Start.Covers(e) && !(e.RecordedAt >= Until);
}

/// <summary>
/// Rules by their trigger and by one condition of their <c>when</c>, the one that the fewest other rules share: an event looks at the rules
/// that can match it, not at all. Immutable; good for events recorded in a span of time in which no rule of it ends. A rule that fails for
/// an event is told of and left out; the others go on.
/// </summary>
public sealed class RuleIndex<TRule>
    where TRule : EventRule
{
    /// <summary>A value that a condition can ask for. Values that are the same (<see cref="JsonValues.Same"/>) have equal keys.</summary>
    private readonly record struct Key(string Member, JsonValueKind Kind, string? Text);

    /// <summary>The rules of one trigger.</summary>
    private sealed class Node
    {
        internal readonly List<TRule> Unconditional = [];
        internal readonly Dictionary<Key, List<TRule>> Conditional = [];
        internal readonly HashSet<string> Members = new(StringComparer.Ordinal);
    }

    private readonly Dictionary<string, Node> byTrigger = new(StringComparer.Ordinal);
    private readonly Action<TRule, LoggedEvent, Exception> failed;
    private readonly DateTime from = DateTime.MinValue;
    private readonly DateTime until = DateTime.MaxValue;

    /// <summary>Indexes the rules that have not ended by <paramref name="at"/>.</summary>
    /// <param name="rules">All rules.</param>
    /// <param name="at">When the first event that it is for was recorded.</param>
    /// <param name="failed">Is told of a rule that threw for an event.</param>
    public RuleIndex(IEnumerable<TRule> rules, DateTime at, Action<TRule, LoggedEvent, Exception> failed)
    {
        this.failed = failed;
        foreach (var group in rules.GroupBy(rule => rule.Trigger, StringComparer.Ordinal))
        {
            var live = new List<TRule>();
            foreach (var rule in group)
            {
                if (rule.Until <= at)
                    from = rule.Until.Value > from ? rule.Until.Value : from;
                else
                    live.Add(rule);
                if (rule.Until > at && rule.Until < until)
                    until = rule.Until.Value;
            }
            if (live.Count > 0)
                byTrigger.Add(group.Key, NodeOf(live));
        }
    }

    /// <summary>
    /// True when it knows every rule that an event recorded at this moment or later, but before the next rule ends, can match.
    /// </summary>
    public bool Holds(DateTime at) => at >= from && at < until;

    /// <summary>The rules that an event matches, in the order of their ids.</summary>
    public List<TRule> Match(LoggedEvent e)
    {
        var matched = new List<TRule>();
        Collect(byTrigger.GetValueOrDefault(e.Type), e, matched);
        if (e.Kind is var kind && kind.Length != e.Type.Length)
            Collect(byTrigger.GetValueOrDefault(kind), e, matched);
        matched.Sort((one, other) => one.Id.CompareTo(other.Id));
        return matched;
    }

    private void Collect(Node? node, LoggedEvent e, List<TRule> matched)
    {
        if (node is null)
            return;
        foreach (var rule in node.Unconditional)
            if (rule.Covers(e))
                matched.Add(rule);
        if (node.Members.Count == 0)
            return;
        using var data = Parse(node, e);
        if (data is null || data.RootElement.ValueKind != JsonValueKind.Object)
            return;
        foreach (var member in node.Members)
            if (JsonValues.TryGetMember(data.RootElement, member, out var value) && KeyOf(member, value) is { } key
                && node.Conditional.TryGetValue(key, out var rules))
                foreach (var rule in rules)
                    if (rule.Covers(e) && Matches(rule, e, data.RootElement))
                        matched.Add(rule);
    }

    private JsonDocument? Parse(Node node, LoggedEvent e)
    {
        try
        {
            return e.Data();
        }
        catch (Exception error)
        {
            foreach (var rule in node.Conditional.Values.SelectMany(rules => rules))
                failed(rule, e, error);
            return null;
        }
    }

    private bool Matches(TRule rule, LoggedEvent e, JsonElement data)
    {
        try
        {
            return EventTriggers.Matches(rule.When, data);
        }
        catch (Exception error)
        {
            failed(rule, e, error);
            return false;
        }
    }

    private static Node NodeOf(List<TRule> rules)
    {
        var keys = rules.ConvertAll(rule => rule.When is { } when ? KeysOf(when) : []);
        var shared = keys.SelectMany(own => own).CountBy(key => key).ToDictionary();
        var node = new Node();
        foreach (var (rule, own) in rules.Zip(keys))
        {
            if (own.Count == 0)
            {
                node.Unconditional.Add(rule);
                continue;
            }
            var rarest = own.MinBy(key => shared[key]);
            node.Members.Add(rarest.Member);
            if (!node.Conditional.TryGetValue(rarest, out var same))
                node.Conditional.Add(rarest, same = []);
            same.Add(rule);
        }
        return node;
    }

    /// <exception cref="InvalidOperationException">It is no object of scalars.</exception>
    private static List<Key> KeysOf(JsonElement when) =>
        [.. when.EnumerateObject()
            .Select(member => KeyOf(member.Name, member.Value) ?? throw new InvalidOperationException($"{member.Name} is no scalar."))];

    /// <summary>Null: no condition can ask for this value.</summary>
    private static Key? KeyOf(string member, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => new Key(member, value.ValueKind, null),
        JsonValueKind.Number => new Key(member, value.ValueKind, NumberOf(value.GetRawText())),
        JsonValueKind.String when JsonValues.TextOf(value) is { } text => new Key(member, value.ValueKind, TextKeys.Nfc(text)),
        _ => null,
    };

    private static string NumberOf(string text) =>
        JsonNumber.TryRead(text, out var number) ? $"{(number.Negative ? "-" : "")}{number.Digits}e{number.Exponent}" : text;

    /// <summary>Refuses a <c>when</c> that no index can hold.</summary>
    /// <exception cref="InvalidOperationException">It is no object of scalars.</exception>
    internal static void Check(TRule rule)
    {
        if (rule.When is { } when)
            KeysOf(when);
    }
}
