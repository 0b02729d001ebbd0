using System.Text.Json;

namespace Boon.Gateway.Gathering;

/// <summary>
/// The events of all modules, newest first: each module is asked for its next page, and those that lead are taken in turn. The cursor says
/// for each module where its next page begins, so the same cursor is good here and at any process.
/// </summary>
internal sealed class GatheredEvents(Gatherer gatherer)
{
    internal async Task AnswerAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var modules = gatherer.Backends.All.SelectMany(backend => backend.Modules).ToList();
        if (query["module"] is [{ } asked])
        {
            if (modules.Contains(asked, StringComparer.Ordinal))
                await gatherer.PassOnAsync(http, gatherer.Backends.Of(asked));
            else
                await Problems.Invalid(Unknown(modules)).ExecuteAsync(http);
            return;
        }
        if (query.ContainsKey("module"))
        {
            await gatherer.RefuseAsync(http);
            return;
        }
        var path = http.Request.Path + http.Request.QueryString + (http.Request.QueryString.HasValue ? "&" : "?");
        await gatherer.AnswerPageAsync<Dictionary<string, long>>(
            http, [.. modules.Select(module => (gatherer.Backends.Of(module), $"{path}module={module}"))], Newest);
    }

    private static GatheredItems Newest(Parts parts, PageAsked<Dictionary<string, long>> page)
    {
        var logs = parts.Pages.Select(part => new Queue<JsonElement>(part.Page.GetProperty("data").EnumerateArray())).ToList();
        var newest = new List<JsonElement>(page.Limit);
        var places = new Dictionary<string, long>(page.Cursor ?? [], StringComparer.Ordinal);
        while (newest.Count < page.Limit && logs.Where(log => log.Count > 0)
            .OrderByDescending(log => log.Peek().GetProperty("recordedtime").GetDateTimeOffset())
            .ThenBy(log => SourceOf(log.Peek()), StringComparer.Ordinal)
            .FirstOrDefault() is { } first)
        {
            var next = first.Dequeue();
            newest.Add(next);
            places[SourceOf(next)[1..]] = next.GetProperty("sequence").GetInt64();
        }
        var more = parts.HaveMore || logs.Exists(log => log.Count > 0);
        return new(newest, more ? PageQuery.Encode(places) : null);
    }

    private static string SourceOf(JsonElement e) => e.GetProperty("source").GetString()!;

    private static Platform.Input.Validation Unknown(List<string> modules)
    {
        var validation = new Platform.Input.Validation();
        validation.Fail("module", $"must be one of {string.Join(", ", modules)}");
        return validation;
    }
}
