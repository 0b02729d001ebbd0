using System.Runtime.InteropServices;
using System.Text.Json;
using Boon.Gateway.Routing;
using Boon.Gateway.Sending;

namespace Boon.Gateway.Gathering;

/// <summary>
/// Answers for all modules what each process answers for its own. Each route that is so is listed here; one that is not stops the gateway,
/// so none is forgotten.
/// </summary>
internal sealed class Gatherer(ModuleCalls calls, Backends backends, GatewayHealth health)
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 10_000 };

    /// <summary>Maps what the gateway answers itself.</summary>
    internal void Map(WebApplication app, ProxyRoutes routes)
    {
        var gathered = new Dictionary<string, RequestDelegate>(StringComparer.Ordinal)
        {
            ["GET /health/live"] = GatewayHealth.AnswerLiveAsync,
            ["GET /health/ready"] = health.AnswerReadyAsync,
            ["GET /v1/events"] = new GatheredEvents(this).AnswerAsync,
            ["GET /v1/audit"] = new GatheredEvents(this).AnswerAsync,
            ["GET /v1/system"] = new GatheredSystem(this).AnswerAsync,
            ["GET /v1/event-types"] = new GatheredEventTypes(this).AnswerAsync,
            ["GET /v1/dead-letters"] = new GatheredDeadLetters(this).AnswerAsync,
            ["POST /v1/dead-letters/{id}/redrive"] = RedriveAsync,
            [$"GET {ProxyRoutes.Document.Path}"] = new GatheredDocument(this).AnswerAsync,
        };
        foreach (var route in routes.Gathered)
        {
            var endpoint = app.MapMethods(route.Path, [route.Method], gathered[$"{route.Method} {route.Path}"]);
            if (!ProxyRoutes.IsOfThisProcess(route)) // a flood of requests does not make it look ill
                endpoint.WithMetadata(route);
        }
    }

    /// <summary>The backends.</summary>
    internal Backends Backends => backends;

    /// <summary>Asks one backend and passes its answer on.</summary>
    internal async Task PassOnAsync(HttpContext http, Backend backend)
    {
        var answer = await calls.AskAsync(http, backend, HttpMethod.Get, http.Request.Path + http.Request.QueryString);
        await (answer.IsAway ? Sender.Unavailable(http, backend.Modules).ExecuteAsync(http) : answer.RelayAsync(http));
    }

    /// <summary>Answers a page of a list: asks for the pages of its parts, and puts them together.</summary>
    /// <param name="http">The request.</param>
    /// <param name="questions">Whom to ask what; null: each backend the same.</param>
    /// <param name="together">Makes one page of those that came.</param>
    internal async Task AnswerPageAsync<TCursor>(
        HttpContext http, IReadOnlyList<(Backend Backend, string Path)>? questions, Func<Parts, PageAsked<TCursor>, GatheredItems> together)
    {
        if (!PageQuery.Of(http.Request.Query).TryRead(out var limit, out TCursor? cursor, out _))
        {
            await RefuseAsync(http);
            return;
        }
        using var parts = await AskAsync(http, questions);
        if (parts is null)
            return;
        var (items, next) = together(parts, new PageAsked<TCursor>(limit, cursor));
        await WriteAsync(http, items, next, parts.Unavailable);
    }

    /// <summary>Lets a process refuse a query: it knows what is wrong with it, and whether the caller may know.</summary>
    internal Task RefuseAsync(HttpContext http) => PassOnAsync(http, backends.All[0]);

    /// <summary>
    /// Asks for parts, each backend the same unless it says otherwise. Null when the request is answered already: a part refused it, or
    /// none answered.
    /// </summary>
    internal async Task<Parts?> AskAsync(HttpContext http, IReadOnlyList<(Backend Backend, string Path)>? questions = null)
    {
        var answers = await calls.AskAsync(
            http, questions ?? [.. backends.All.Select(backend => (backend, (string)(http.Request.Path + http.Request.QueryString)))]);
        if (answers.FirstOrDefault(answer => !answer.IsAway && !answer.IsSuccess) is { } refusal)
        {
            await refusal.RelayAsync(http);
            return null;
        }
        if (!answers.Any(answer => answer.IsSuccess))
        {
            await Sender.Unavailable(http, [.. answers.SelectMany(answer => answer.Backend.Modules).Distinct(StringComparer.Ordinal)])
                .ExecuteAsync(http);
            return null;
        }
        return new Parts([.. answers.Select(answer => (answer.Backend, answer.IsSuccess ? JsonDocument.Parse(answer.Body, Deep) : null))]);
    }

    /// <summary>Writes a page as it came: each item byte for byte.</summary>
    internal static async Task WriteAsync(HttpContext http, IEnumerable<JsonElement> items, string? next, IReadOnlyList<string> unavailable)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("data");
        foreach (var item in items)
            json.WriteRawValue(JsonMarshal.GetRawUtf8Value(item), skipInputValidation: true);
        json.WriteEndArray();
        json.WriteString("next", next);
        if (unavailable.Count > 0)
        {
            json.WriteStartArray("unavailable");
            foreach (var module in unavailable)
                json.WriteStringValue(module);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>A letter is of one module, and its id does not say of which.</summary>
    private async Task RedriveAsync(HttpContext http)
    {
        var away = new List<string>();
        ModuleAnswer? missing = null;
        foreach (var backend in backends.All)
        {
            var answer = await calls.AskAsync(http, backend, HttpMethod.Post, http.Request.Path + http.Request.QueryString);
            if (answer.IsAway)
                away.AddRange(backend.Modules);
            else if (answer.Status == StatusCodes.Status404NotFound)
                missing = answer;
            else
            {
                await answer.RelayAsync(http);
                return;
            }
        }
        await (away.Count == 0 && missing is not null ? missing.RelayAsync(http) : Sender.Unavailable(http, away).ExecuteAsync(http));
    }
}

/// <summary>What a request for a page asks for.</summary>
internal readonly record struct PageAsked<TCursor>(int Limit, TCursor? Cursor);

/// <summary>A page that was put together, and the cursor of the next one.</summary>
internal readonly record struct GatheredItems(IEnumerable<JsonElement> Items, string? Next);

/// <summary>The answers of the parts of a list.</summary>
/// <param name="All">Each backend's answer, in the order of the questions; null for one that is away.</param>
internal sealed record Parts(IReadOnlyList<(Backend Backend, JsonDocument? Answer)> All) : IDisposable
{
    /// <summary>The pages of those that answered, with the backend of each.</summary>
    internal IEnumerable<(Backend Backend, JsonElement Page)> Pages =>
        All.Where(part => part.Answer is not null).Select(part => (part.Backend, part.Answer!.RootElement));

    /// <summary>The items of those pages.</summary>
    internal IEnumerable<(Backend Backend, JsonElement Item)> Items =>
        Pages.SelectMany(part => part.Page.GetProperty("data").EnumerateArray().Select(item => (part.Backend, item)));

    /// <summary>The modules of those that did not.</summary>
    internal IReadOnlyList<string> Unavailable =>
        [.. All.Where(part => part.Answer is null).SelectMany(part => part.Backend.Modules).Distinct(StringComparer.Ordinal)];

    /// <summary>True when a part has more than it answered.</summary>
    internal bool HaveMore => Pages.Any(part => part.Page.GetProperty("next").ValueKind != JsonValueKind.Null);

    public void Dispose()
    {
        foreach (var (_, answer) in All)
            answer?.Dispose();
    }
}
