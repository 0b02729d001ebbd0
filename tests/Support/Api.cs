using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Boon.Support;

/// <summary>An answer of the API: status, headers and body.</summary>
public sealed record Answer(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers, string Text)
{
    /// <summary>The status as a number.</summary>
    public int Code => (int)Status;

    /// <summary>The stable code of a problem, or null.</summary>
    public string? Problem => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("code", out var code) ? code.GetString() : null;

    /// <summary>A member of the body.</summary>
    public JsonElement this[string member] => Body.GetProperty(member);

    /// <summary>The body as one of <see cref="Views"/>.</summary>
    public T As<T>() => Views.Read<T>(Body);

    /// <summary>What is wrong with each field or parameter, in a problem.</summary>
    public Dictionary<string, string[]> Errors => Views.Read<Dictionary<string, string[]>>(this["errors"]);

    /// <summary>What is wrong with each row, in the problem of an upload.</summary>
    public List<RowFault> Faults => Views.Read<List<RowFault>>(this["errors"]);

    /// <summary>The items of a page, each as one of <see cref="Views"/>.</summary>
    public List<T> Page<T>() => [.. Body.GetProperty("data").EnumerateArray().Select(Views.Read<T>)];

    /// <summary>The body's id.</summary>
    public Guid Id => Body.GetProperty("id").GetGuid();

    /// <summary>For messages of tests: a body without an id must not throw there.</summary>
    public override string ToString() => $"{Code} {Text}";
}

/// <summary>Calls Boon over HTTP as a client would.</summary>
public sealed class Api(string url) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 })
        { BaseAddress = new Uri(url), Timeout = Eventually.Longest };

    /// <summary>The address.</summary>
    public string Url => url;

    public Task<Answer> Get(string path, string? token = null) => Send(HttpMethod.Get, path, null, token);

    public Task<Answer> Post(string path, object? body, string? token = null, string? key = null) =>
        Send(HttpMethod.Post, path, Json(body), token, key);

    public Task<Answer> Patch(string path, object body, string? token = null) => Send(HttpMethod.Patch, path, Json(body), token);

    public Task<Answer> Put(string path, object body, string? token = null) => Send(HttpMethod.Put, path, Json(body), token);

    public Task<Answer> Delete(string path, string? token = null, object? body = null) => Send(HttpMethod.Delete, path, Json(body), token);

    /// <summary>Erases the caller's account.</summary>
    public Task<Answer> Erase(string token, string password) => Delete("/v1/users/me", token, new { currentPassword = password });

    /// <summary>Sends a body as it is.</summary>
    public Task<Answer> Raw(HttpMethod method, string path, byte[] body, string contentType = "application/json", string? token = null)
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return Send(method, path, content, token);
    }

    /// <summary>Sends text as JSON.</summary>
    public Task<Answer> Raw(HttpMethod method, string path, string body, string? token = null) =>
        Raw(method, path, Encoding.UTF8.GetBytes(body), token: token);

    public async Task<Answer> Send(
        HttpMethod method, string path, HttpContent? content, string? token, string? key = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (token is not null)
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        change?.Invoke(request);
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var json = text.Length > 0 && response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true
            && response.Content.Headers.ContentType.MediaType != "application/x-ndjson";
        return new Answer(response.StatusCode, json ? JsonSerializer.Deserialize<JsonElement>(text) : default, response.Headers, text);
    }

    /// <summary>All items of a list, page by page.</summary>
    public async Task<List<JsonElement>> All(string path, string token, int limit = 200)
    {
        var items = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var and = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
            var answer = await Get($"{path}{and}limit={limit}{(cursor is null ? "" : "&cursor=" + cursor)}", token);
            if (answer.Status != HttpStatusCode.OK)
                throw new InvalidOperationException($"GET {path}: {answer.Code} {answer.Text}");
            items.AddRange(answer["data"].EnumerateArray());
            cursor = answer["next"].GetString();
        }
        while (cursor is not null);
        return items;
    }

    /// <summary>All items of a list, page by page, each as one of <see cref="Views"/>.</summary>
    public async Task<List<T>> All<T>(string path, string token, int limit = 200) =>
        [.. (await All(path, token, limit)).Select(Views.Read<T>)];

    /// <summary>Signs in; answers the access token.</summary>
    public async Task<string> SignIn(string identifier, string password)
    {
        var answer = await Post("/v1/sessions", new { identifier, password });
        return answer.Status == HttpStatusCode.OK
            ? answer["accessToken"].GetString()! : throw new InvalidOperationException($"Sign-in of {identifier}: {answer.Text}");
    }

    private static JsonContent? Json(object? body) => body is null ? null : JsonContent.Create(body);

    public void Dispose() => http.Dispose();
}

/// <summary>Waiting for what must happen, by looking: bounded, and saying what did not come.</summary>
public static class Eventually
{
    /// <summary>What has not happened by then never will, however busy the machine is. Nobody who passes waits for so long.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(150);

    public static async Task<T> Get<T>(string what, Func<Task<T?>> look, TimeSpan? within = null)
        where T : class
    {
        var limit = TimeProvider.System.GetTimestamp();
        var longest = within ?? Longest;
        // Looks cost what the others need: the longer nothing comes, the fewer they are.
        for (var pause = ShortestPause; ; pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 5 / 4, LongestPause.Ticks)))
        {
            if (await look() is { } found)
                return found;
            if (TimeProvider.System.GetElapsedTime(limit) > longest)
                throw new TimeoutException($"{what} did not come within {longest.TotalSeconds} s.");
            await Task.Delay(pause);
        }
    }

    public static Task Holds(string what, Func<Task<bool>> look, TimeSpan? within = null) =>
        Get(what, async () => await look() ? what : null, within);
}
