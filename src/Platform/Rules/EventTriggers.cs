using System.Text.Json;
using System.Text.RegularExpressions;
using Boon.Platform.Input;

namespace Boon.Platform.Rules;

/// <summary>
/// What fires a rule: an event's name (<c>identity.user-signed-in</c>: all versions; <c>identity.user-signed-in.v1</c>: that one) and
/// members that its data must have. Pure.
/// </summary>
public static partial class EventTriggers
{
    /// <summary>The longest name, in characters.</summary>
    public const int LongestName = 200;

    private const int MostWhenMembers = 20;
    private const int LongestMember = 100;
    private const int LongestText = 500;
    private const int LongestNumber = 40;

    /// <summary>True when each member of <paramref name="when"/> is in the event's data and equal to it: same type, same value.</summary>
    public static bool Matches(JsonElement? when, JsonElement data)
    {
        if (when is not { } members)
            return true;
        if (data.ValueKind != JsonValueKind.Object)
            return false;
        foreach (var member in members.EnumerateObject())
            if (!JsonValues.TryGetMember(data, member.Name, out var value) || !JsonValues.Same(member.Value, value))
                return false;
        return true;
    }

    /// <summary>What the names of events begin with that only tests log.</summary>
    internal static string? TestPrefix { get; set; }

    /// <summary>Checks a rule's <c>when</c>: an object of scalars, in text that the database can hold.</summary>
    internal static void CheckWhen(Validation validation, JsonElement? when)
    {
        if (when is not { } element)
            return;
        if (!validation.Check(element.ValueKind == JsonValueKind.Object, "when", "must be an object of members to match"))
            return;
        validation.Check(element.EnumerateObject().Count() is >= 1 and <= MostWhenMembers, "when",
            $"must have 1 to {MostWhenMembers} members");
        validation.Check(element.EnumerateObject().All(member => IsMember(member) && IsScalar(member.Value)), "when",
            "must name members by 1 to 100 characters, each with a text, number, boolean or null to be equal to");
    }

    /// <summary>How far a name is from another: the module in front may be another one, or be missing.</summary>
    internal static int NameDistance(string one, string other) =>
        Math.Min(EditDistance(one, other), 1 + EditDistance(AfterModule(one), AfterModule(other)));

    private static string AfterModule(string name) => name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>Characters to insert, delete or replace to make one text of the other (Levenshtein).</summary>
    internal static int EditDistance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }

    /// <summary>
    /// True for what an event can be named: parts with dots between them, of letters, digits, - and _; those of other systems may have
    /// capitals.
    /// </summary>
    public static bool IsName(string text) => text.Length <= LongestName && Name.IsMatch(text);

    private static bool IsMember(JsonProperty member) =>
        JsonValues.NameOf(member) is { Length: > 0 } name && TextRules.Length(name) <= LongestMember && !name.Any(char.IsControl);

    private static bool IsScalar(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null)
            return true;
        if (value.ValueKind == JsonValueKind.Number)
            return value.GetRawText() is { Length: <= LongestNumber } number && JsonNumber.TryRead(number, out _);
        return JsonValues.TextOf(value) is { } text && TextRules.Length(text) <= LongestText;
    }

    [GeneratedRegex("^[a-z][a-z0-9-]*(\\.[A-Za-z0-9][A-Za-z0-9_-]*)+\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Name { get; }
}
