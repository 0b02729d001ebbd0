using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Boon.Intake.Reports;

/// <summary>
/// Reads CloudEvents 1.0 in the JSON format (https://github.com/cloudevents/spec, json-format.md), structured or batched. Collects every fault of the first
/// event that has any, under its member: <c>type</c>, or <c>[3].type</c> in a batch. Pure.
/// </summary>
internal sealed partial class CloudEventReader(Validation validation)
{
    internal const int LongestId = 255;
    internal const int LongestSource = 300;

    /// <summary>The largest data of one event, as characters of JSON.</summary>
    internal const int LargestData = 64 * 1024;

    /// <summary>The attributes that the specification defines: texts. Extensions may be numbers and booleans too.</summary>
    private static readonly string[] Attributes = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

    private const int MostAttributes = 64;
    private const int LongestName = 64;
    private const string Base64 = "data_base64";
    private const string Texts = "must be of text without U+0000, U+FFFE or half a surrogate pair";

    /// <summary>Reads one event; null if something is wrong with it.</summary>
    /// <param name="element">The event.</param>
    /// <param name="at">Where it stands, such as <c>[3].</c>; empty for a single one.</param>
    internal ReportedEvent? Read(JsonElement element, string at)
    {
        var whole = at.Length == 0 ? "event" : at.TrimEnd('.');
        if (!validation.Check(element.ValueKind == JsonValueKind.Object, whole, "must be a CloudEvent: an object")
            || !validation.Check(element.EnumerateObject().Count() <= MostAttributes, whole, $"must have at most {MostAttributes} attributes"))
            return null;
        var attributes = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
            if (NameOf(member) is not { Length: <= LongestName } name)
                validation.Fail(at + "event", $"has an attribute whose name is longer than {LongestName} characters, or no text");
            else if (name != Base64 && !AttributeName.IsMatch(name))
                validation.Fail(at + name, "is no attribute of a CloudEvent: those are lower-case letters and digits; what else there is to say belongs into data");
            else if (member.Value.ValueKind != JsonValueKind.Null)
                attributes[name] = member.Value;
        validation.Check(!attributes.ContainsKey(Base64), at + Base64, "is not taken: rules look at JSON, send it as data");
        var data = attributes.Remove("data", out var given) ? given : default;
        var raw = "{}";
        if (validation.Check(IsFit(data), at + "data", Texts) && data.ValueKind != JsonValueKind.Undefined)
            raw = data.GetRawText();
        validation.Check(raw.Length <= LargestData, at + "data", $"must have at most {LargestData} characters of JSON");
        var texts = attributes.ToDictionary(one => one.Key, one => one.Value.ValueKind != JsonValueKind.String && Attributes.Contains(one.Key) ? null : TextOf(one.Value), StringComparer.Ordinal);
        foreach (var name in texts.Where(one => one.Value is null).Select(one => one.Key))
            validation.Fail(at + name, Attributes.Contains(name) ? Texts : $"{Texts}, a number or a boolean");
        validation.Check(texts.GetValueOrDefault("specversion") == "1.0", at + "specversion", "must be 1.0");
        validation.Text(texts.GetValueOrDefault("id"), at + "id", 1, LongestId);
        validation.Text(texts.GetValueOrDefault("source"), at + "source", 1, LongestSource);
        validation.Check(texts.GetValueOrDefault("datacontenttype") is not { } content || JsonContent.IsMatch(content), at + "datacontenttype", "must be application/json, or lack");
        if (!validation.Ok)
            return null;
        var type = TypeOf(texts.GetValueOrDefault("type"), at);
        var user = UserOf(texts.GetValueOrDefault("userid"), data, at);
        var time = attributes.TryGetValue("time", out var when) ? Json.ReadTime(when) : null;
        validation.Check(time is not null || !attributes.ContainsKey("time"), at + "time", Json.TimeRule);
        if (!validation.Ok)
            return null;
        var trace = texts.GetValueOrDefault("traceparent");
        return new ReportedEvent(
            texts["source"]!, texts["id"]!, type!, user, time, ActivityContext.TryParse(trace, null, out _) ? trace : null, raw);
    }

    private string? TypeOf(string? type, string at)
    {
        if (!validation.Require(type, at + "type"))
            return null;
        var logged = type.StartsWith(ReportedEvent.TypePrefix, StringComparison.Ordinal) ? type : ReportedEvent.TypePrefix + type;
        validation.Check(EventTriggers.IsName(logged), at + "type", "must be parts with dots between them, of letters, digits, - and _, such as com.example.order-paid");
        return logged;
    }

    private Guid? UserOf(string? userid, JsonElement data, string at)
    {
        var text = userid;
        if (text is null && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("userId", out var member) && member.ValueKind != JsonValueKind.Null)
            text = TextOf(member) ?? "";
        if (text is null)
            return null;
        validation.Check(text.Trim().Length > 0 && text.Length <= ExternalUser.LongestText, at + (userid is null ? "data.userId" : "userid"), $"must be a text of 1 to {ExternalUser.LongestText} characters, or a number");
        return ExternalUser.IdOf(text);
    }

    private static string? NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A scalar as text; null for anything else, and for text that cannot be stored.</summary>
    private static string? TextOf(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Number)
            return value.GetRawText();
        if (value.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return value.GetString() is { } text && Json.Unfit(text) is null ? text : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair, or bytes that are not UTF-8
        }
    }

    /// <summary>True if every text in it can be stored and compared.</summary>
    private static bool IsFit(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => TextOf(value) is not null,
        JsonValueKind.Array => value.EnumerateArray().All(IsFit),
        JsonValueKind.Object => value.EnumerateObject().All(member => NameOf(member) is { } name && Json.Unfit(name) is null && IsFit(member.Value)),
        _ => true,
    };

    [GeneratedRegex("^[a-z0-9]+\\z", RegexOptions.CultureInvariant)]
    private static partial Regex AttributeName { get; }

    [GeneratedRegex("^[A-Za-z0-9.+-]+/([A-Za-z0-9.-]+\\+)?json *(;.*)?\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex JsonContent { get; }
}
