using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Boon.Platform;
using Boon.Platform.Input;

namespace Boon.Host.Demo;

/// <summary>Calls Boon over real HTTP, as any client would.</summary>
internal sealed class DemoClient(string url, int connections) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = connections })
        { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>An answer: its status, and its body as JSON.</summary>
    internal readonly record struct Answer(HttpStatusCode Status, JsonElement Body)
    {
        internal bool Ok => (int)Status is >= 200 and < 300;

        /// <summary>Why it was refused, in a line.</summary>
        internal string Refusal => !Body.TryGetProperty("code", out var code) ? $"{(int)Status}"
            : code.GetString() + (Body.TryGetProperty("errors", out var errors)
                ? ": " + string.Join("; ", errors.EnumerateObject().Select(error => $"{error.Name} {error.Value[0].GetString()}")) : "");
    }

    internal async Task<Answer> SendAsync(HttpMethod method, string path, object? body, string? token, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = JsonContent.Create(body, options: Json.Options);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, ct);
        var bytes = await response.Content.ReadAsByteArrayAsync(ct);
        return new Answer(response.StatusCode, bytes.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(bytes));
    }

    /// <summary>All items of a list, page by page.</summary>
    internal async Task<List<JsonElement>> ListAsync(string path, string token, CancellationToken ct)
    {
        var items = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var and = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
            var address = $"{path}{and}limit=200{(cursor is null ? "" : "&cursor=" + cursor)}";
            var page = await SendAsync(HttpMethod.Get, address, null, token, ct);
            if (!page.Ok)
                throw new SetupException($"GET {path}: {page.Refusal}");
            items.AddRange(page.Body.GetProperty("data").EnumerateArray());
            cursor = page.Body.GetProperty("next").GetString();
        }
        while (cursor is not null);
        return items;
    }

    public void Dispose() => http.Dispose();
}
