using System.Text;
using System.Text.Json;

namespace Boon.Platform.Input;

/// <summary>
/// Compares scalars of JSON documents by what they mean: numbers by value, texts in one normalization form. Never throws, whatever is
/// stored. Pure.
/// </summary>
public static class JsonValues
{
    /// <summary>True for two equal texts, numbers or booleans, or two nulls.</summary>
    public static bool Same(JsonElement one, JsonElement other) => one.ValueKind == other.ValueKind && one.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
        JsonValueKind.Number => SameNumber(one.GetRawText(), other.GetRawText()),
        JsonValueKind.String => TextOf(one) is { } text && TextKeys.Same(text, TextOf(other)),
        _ => false,
    };

    /// <summary>Finds a member by its name, however that is composed.</summary>
    public static bool TryGetMember(JsonElement data, string name, out JsonElement value)
    {
        if (data.TryGetProperty(name, out value))
            return true;
        if (Ascii.IsValid(name))
            return false;
        foreach (var member in data.EnumerateObject())
            if (NameOf(member) is { } other && TextKeys.Same(name, other))
            {
                value = member.Value;
                return true;
            }
        return false;
    }

    /// <summary>A text; null for what is no text, holds half a surrogate pair, or cannot be stored.</summary>
    public static string? TextOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return value.GetString() is { } text && Json.Unfit(text) is null ? text : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A member's name; null where it holds half a surrogate pair, or cannot be stored.</summary>
    public static string? NameOf(JsonProperty member)
    {
        try
        {
            return Json.Unfit(member.Name) is null ? member.Name : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool SameNumber(string one, string other) =>
        one == other || (JsonNumber.TryRead(one, out var a) && JsonNumber.TryRead(other, out var b) && a == b);
}
