using System.Text.Json;
using System.Text.Json.Nodes;
using Boon.Gateway.Routing;
using Boon.Platform.Subscriptions;

namespace Boon.Gateway.Gathering;

/// <summary>The parked events of all modules, in the order in which they were parked.</summary>
internal sealed class GatheredDeadLetters(Gatherer gatherer)
{
    internal Task AnswerAsync(HttpContext http) => gatherer.AnswerPageAsync<DeadLetterPlace>(http, null, (parts, page) =>
    {
        var letters = parts.Items.Where(part => IsOf(part.Backend, part.Item))
            .Select(part => (Place: PlaceOf(part.Item), Letter: part.Item))
            .OrderBy(one => one.Place.ParkedAt).ThenBy(one => one.Place.Id).ToList();
        var first = letters.Take(page.Limit).ToList();
        var more = first.Count > 0 && (letters.Count > page.Limit || parts.HaveMore);
        return new(first.Select(one => one.Letter), more ? PageQuery.Encode(first[^1].Place) : null);
    });

    /// <summary>A process may have modules that the gateway sends elsewhere.</summary>
    private static bool IsOf(Backend backend, JsonElement letter) =>
        backend.Modules.Contains(letter.GetProperty("module").GetString()!, StringComparer.Ordinal);

    private static DeadLetterPlace PlaceOf(JsonElement letter) =>
        new(letter.GetProperty("parkedAt").GetDateTime(), letter.GetProperty("id").GetGuid());
}

/// <summary>
/// The types of events of all modules by name. Each process knows all types; what they trigger is known where it is triggered.
/// </summary>
internal sealed class GatheredEventTypes(Gatherer gatherer)
{
    internal Task AnswerAsync(HttpContext http) => gatherer.AnswerPageAsync<string>(http, null, (parts, page) =>
    {
        var types = parts.Items.GroupBy(part => part.Item.GetProperty("type").GetString()!, part => part.Item, StringComparer.Ordinal)
            .OrderBy(type => type.Key, StringComparer.Ordinal).ToList();
        var first = types.Take(page.Limit).ToList();
        var more = types.Count > page.Limit || parts.HaveMore;
        return new(first.Select(type => Together([.. type])), more ? PageQuery.Encode(first[^1].Key) : null);
    });

    private static JsonElement Together(List<JsonElement> views)
    {
        var triggers = views.SelectMany(view => view.GetProperty("triggers").EnumerateArray().Select(trigger => trigger.GetString()))
            .Distinct(StringComparer.Ordinal);
        var view = JsonObject.Create(views[0])!;
        view["triggers"] = new JsonArray([.. triggers.Select(trigger => (JsonNode?)JsonValue.Create(trigger))]);
        return JsonSerializer.SerializeToElement(view, Platform.Input.Json.Options);
    }
}

/// <summary>The OpenAPI document of all modules: the paths and schemas of each, as its processes describe them.</summary>
internal sealed class GatheredDocument(Gatherer gatherer)
{
    internal async Task AnswerAsync(HttpContext http)
    {
        using var parts = await gatherer.AskAsync(http);
        if (parts is null)
            return;
        JsonObject? whole = null;
        foreach (var (_, page) in parts.Pages)
            if (whole is null)
                whole = JsonObject.Create(page.Clone())!;
            else
                Add(whole, JsonObject.Create(page.Clone())!);
        if (parts.Unavailable.Count > 0)
            whole!["x-unavailable"] = new JsonArray([.. parts.Unavailable.Select(module => (JsonNode?)JsonValue.Create(module))]);
        await TypedResults.Text(whole!.ToJsonString(Platform.Input.Json.Options), "application/json; charset=utf-8").ExecuteAsync(http);
    }

    /// <summary>
    /// Adds what the document lacks: tags by name, and the members of what is an object in both, down to the methods of a path.
    /// </summary>
    private static void Add(JsonObject whole, JsonObject part)
    {
        if (part["tags"] is JsonArray tags && whole["tags"] is JsonArray known)
            foreach (var tag in tags.Where(tag => !known.Any(one => one!["name"]!.GetValue<string>() == tag!["name"]!.GetValue<string>()))
                .ToList())
                known.Add(tag!.DeepClone());
        foreach (var (path, methods) in part["paths"]!.AsObject())
            AddMembers(Member(whole, "paths"), path, methods!);
        foreach (var (kind, components) in part["components"]!.AsObject())
            AddMembers(Member(whole, "components"), kind, components!);
    }

    private static JsonObject Member(JsonObject whole, string name) => whole[name]!.AsObject();

    private static void AddMembers(JsonObject whole, string name, JsonNode part)
    {
        if (whole[name] is not JsonObject known)
        {
            whole[name] = part.DeepClone();
            return;
        }
        foreach (var (member, value) in part.AsObject())
            if (!known.ContainsKey(member))
                known[member] = value?.DeepClone();
    }
}
