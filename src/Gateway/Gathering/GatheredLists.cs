using System.Text.Json;
using System.Text.Json.Nodes;
using Boon.Gateway.Routing;
using Boon.Platform.Subscriptions;

namespace Boon.Gateway.Gathering;

/// <summary>The parked events of all modules, in the order in which they were parked.</summary>
internal sealed class GatheredDeadLetters(Gatherer gatherer)
{
    internal async Task AnswerAsync(HttpContext http)
    {
        if (!PageQuery.Of(http.Request.Query).TryRead(out var limit, out DeadLetterPlace? _, out _))
        {
            await gatherer.PassOnAsync(http, gatherer.Backends.All[0]);
            return;
        }
        using var parts = await gatherer.AskAsync(http, gatherer.SameOfAll(http));
        if (parts is null)
            return;
        var letters = parts.Pages
            .SelectMany(part => part.Page.GetProperty("data").EnumerateArray().Where(letter => IsOf(part.Backend, letter)))
            .Select(letter => (Place: PlaceOf(letter), Letter: letter)).OrderBy(one => one.Place.ParkedAt).ThenBy(one => one.Place.Id)
                .ToList();
        var page = letters.Take(limit).ToList();
        var more = letters.Count > limit || parts.HaveMore;
        await Gatherer.WriteAsync(
            http, page.Select(one => one.Letter), more && page.Count > 0 ? PageQuery.Encode(page[^1].Place) : null, parts.Unavailable);
    }

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
    internal async Task AnswerAsync(HttpContext http)
    {
        if (!PageQuery.Of(http.Request.Query).TryRead(out var limit, out string? _, out _))
        {
            await gatherer.PassOnAsync(http, gatherer.Backends.All[0]);
            return;
        }
        using var parts = await gatherer.AskAsync(http, gatherer.SameOfAll(http));
        if (parts is null)
            return;
        var types = parts.Pages.SelectMany(part => part.Page.GetProperty("data").EnumerateArray())
            .GroupBy(type => type.GetProperty("type").GetString()!, StringComparer.Ordinal)
                .OrderBy(type => type.Key, StringComparer.Ordinal).ToList();
        var more = types.Count > limit || parts.HaveMore;
        var page = types.Take(limit).Select(type => (type.Key, View: Together([.. type]))).ToList();
        await Gatherer.WriteAsync(http, page.Select(type => type.View), more ? PageQuery.Encode(page[^1].Key) : null, parts.Unavailable);
    }

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
        using var parts = await gatherer.AskAsync(http, gatherer.SameOfAll(http));
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
