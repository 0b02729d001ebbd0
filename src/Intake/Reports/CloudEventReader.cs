using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Boon.Intake.Reports;

/// <summary>
/// Reads CloudEvents 1.0 in the JSON format (https://github.com/cloudevents/spec, json-format.md), structured or batched. Collects every
/// fault of the first event that has any, under its member: <c>type</c>, or <c>[3].type</c> in a batch. Pure.
/// </summary>
internal sealed partial class CloudEventReader(Validation validation)
{
    internal const int LongestId = 255;
    internal const int LongestSource = 300;
    internal const int LongestSubject = 255;

    /// <summary>The largest data of one event, as characters of JSON.</summary>
    internal const int LargestData = 64 * 1024;

    /// <summary>The attributes that the specification defines: texts. Extensions may be numbers and booleans too.</summary>
    private static readonly string[] Attributes =
        ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

    private const int MostAttributes = 64;
    private const int LongestName = 64;
    private const string User = "userid";
    private const string Base64 = "data_base64";
    private const string Texts = "must not contain U+0000, U+FFFE or half a surrogate pair";

    /// <summary>Reads one event; null if something is wrong with it.</summary>
    /// <param name="element">The event.</param>
    /// <param name="at">Where it stands, such as <c>[3].</c>; empty for a single one.</param>
    internal ReportedEvent? Read(JsonElement element, string at)
    {
        var whole = at.Length == 0 ? "event" : at.TrimEnd('.');
        if (!validation.Check(element.ValueKind == JsonValueKind.Object, whole, "must be a CloudEvent: an object")
            || !validation.Check(
                element.EnumerateObject().Count() <= MostAttributes, whole, $"must have at most {MostAttributes} attributes"))
            return null;
        var attributes = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
            if (JsonValues.NameOf(member) is not { Length: <= LongestName } name)
                validation.Fail(at + "event", $"has an attribute whose name is longer than {LongestName} characters, or no text");
            else if (name != Base64 && !AttributeName.IsMatch(name))
                validation.Fail(at + name,
                    "is not an attribute of a CloudEvent: their names are lower-case letters and digits; put other members into data");
            else if (member.Value.ValueKind != JsonValueKind.Null)
                attributes[name] = member.Value;
        validation.Check(!attributes.ContainsKey(Base64), at + Base64, "is not accepted: send JSON as data, which rules can read");
        var data = attributes.Remove("data", out var given) ? given : default;
        var compact = DataOf(data, at);
        // What is no text is told once, and not asked for its length and form.
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in attributes.Where(one => one.Key != User))
            if (ScalarOf(value, others: !Attributes.Contains(name)) is { } text)
                texts[name] = TextKeys.Nfc(text);
            else
                validation.Fail(at + name, Attributes.Contains(name) ? Texts : $"{Texts}, a number or a boolean");
        bool Reads(string name, out string? text) => texts.TryGetValue(name, out text) || !attributes.ContainsKey(name);
        if (Reads("specversion", out var version))
            validation.Check(version == "1.0", at + "specversion", "must be 1.0");
        if (Reads("id", out var id))
            validation.Text(id, at + "id", 1, LongestId);
        if (Reads("source", out var source))
            validation.Text(source, at + "source", 1, LongestSource);
        var subject = texts.GetValueOrDefault("subject");
        validation.Text(subject, at + "subject", 1, LongestSubject, required: false);
        validation.Check(!texts.TryGetValue("datacontenttype", out var content) || JsonContent.IsMatch(content), at + "datacontenttype",
            "must be application/json or absent");
        var type = Reads("type", out var named) ? TypeOf(named, at) : null;
        var user = UserOf(attributes.GetValueOrDefault(User), data, at);
        var time = attributes.TryGetValue("time", out var when) ? Json.ReadTime(when) : null;
        if (Reads("time", out _))
            validation.Check(time is not null || !attributes.ContainsKey("time"), at + "time", Json.TimeRule);
        if (!validation.Ok)
            return null;
        var trace = texts.GetValueOrDefault("traceparent");
        return new ReportedEvent(
            source!, id!, type!, subject, user, time, ActivityContext.TryParse(trace, null, out _) ? trace : null, compact);
    }

    /// <summary>
    /// The data in one line: white space between its tokens could else be taken for the end of a record by whoever downloads the log.
    /// </summary>
    private string DataOf(JsonElement data, string at)
    {
        if (data.ValueKind == JsonValueKind.Undefined
            || !validation.Check(IsFit(data), at + "data", Texts)
            || !validation.Check(
                TextRules.Length(data.GetRawText()) <= LargestData, at + "data", $"must have at most {LargestData} characters of JSON")
            || !validation.Check(HasNumbers(data), at + "data", JsonNumber.Rule))
            return "{}";
        return Json.Compact(data);
    }

    private string? TypeOf(string? type, string at)
    {
        if (!validation.Require(type, at + "type"))
            return null;
        var logged = type.StartsWith(ReportedEvent.TypePrefix, StringComparison.Ordinal) ? type : ReportedEvent.TypePrefix + type;
        validation.Check(EventTriggers.IsName(logged), at + "type",
            "must be parts with dots between them, of letters, digits, - and _, such as com.example.order-paid");
        return logged;
    }

    private Guid? UserOf(JsonElement userid, JsonElement data, string at)
    {
        var (value, field) = (userid, at + User);
        if (value.ValueKind == JsonValueKind.Undefined && data.ValueKind == JsonValueKind.Object
            && data.TryGetProperty("userId", out value))
            field = at + "data.userId";
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return null;
        var text = value.ValueKind is JsonValueKind.String or JsonValueKind.Number ? ScalarOf(value, others: true) : null;
        if (text is null)
            validation.Fail(field, $"must be a text of 1 to {ExternalUser.LongestText} characters, or a number");
        else if (validation.Text(text, field, 1, ExternalUser.LongestText))
            return ExternalUser.IdOf(TextKeys.Nfc(text));
        return null;
    }

    /// <summary>
    /// A text, or one of the others (numbers and booleans) as text; null for what is neither, and for text that cannot be stored.
    /// </summary>
    private static string? ScalarOf(JsonElement value, bool others) =>
        value.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Number)
            ? JsonValues.TextOf(value) : others ? value.GetRawText() : null;

    /// <summary>True if every text in it can be stored and compared.</summary>
    private static bool IsFit(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => JsonValues.TextOf(value) is not null,
        JsonValueKind.Array => value.EnumerateArray().All(IsFit),
        JsonValueKind.Object => value.EnumerateObject().All(member => JsonValues.NameOf(member) is not null && IsFit(member.Value)),
        _ => true,
    };

    /// <summary>True if every number in it can be compared.</summary>
    private static bool HasNumbers(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => JsonNumber.TryRead(value.GetRawText(), out _),
        JsonValueKind.Array => value.EnumerateArray().All(HasNumbers),
        JsonValueKind.Object => value.EnumerateObject().All(member => HasNumbers(member.Value)),
        _ => true,
    };

    [GeneratedRegex("^[a-z0-9]+\\z", RegexOptions.CultureInvariant)]
    private static partial Regex AttributeName { get; }

    [GeneratedRegex("^[A-Za-z0-9.+-]+/([A-Za-z0-9.-]+\\+)?json *(;.*)?\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex JsonContent { get; }
}
