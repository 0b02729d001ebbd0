using Boon.Gateway.Routing;

namespace Boon.Gateway.Gathering;

/// <summary>What a backend answered.</summary>
/// <param name="Backend">The backend.</param>
/// <param name="Status">The status; none (0) when no process of it answered.</param>
/// <param name="Headers">Headers that a client needs with it.</param>
/// <param name="Body">The body.</param>
internal sealed record ModuleAnswer(Backend Backend, int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body)
{
    private const int NoAnswer = 0;

    /// <summary>What stands for no answer at all.</summary>
    internal static ModuleAnswer None(Backend backend) => new(backend, NoAnswer, [], []);

    /// <summary>No process answers, or none can serve.</summary>
    internal bool IsAway => Status == NoAnswer || FirstFailure.CannotServe(Status);

    internal bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>Passes the answer on as it is.</summary>
    internal async Task RelayAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        foreach (var (name, value) in Headers)
            http.Response.Headers[name] = value;
        if (Body.Length > 0)
            await http.Response.Body.WriteAsync(Body, http.RequestAborted);
    }
}

/// <summary>Asks backends on behalf of a request: a process that is ready, and when it does not answer another one.</summary>
internal sealed class ModuleCalls(IProxyStateLookup proxies)
{
    private const int MostTries = 2;

    /// <summary>The largest answer, in bytes, that is gathered.</summary>
    private const int LargestAnswer = 64 * 1024 * 1024;

    /// <summary>A backend that needs longer counts as away.</summary>
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(20);

    private static readonly string[] PassedOn = ["Content-Type", "Retry-After", "WWW-Authenticate", "Allow"];

    /// <summary>Asks several at once; answers in their order.</summary>
    internal Task<ModuleAnswer[]> AskAsync(HttpContext http, IEnumerable<(Backend Backend, string Path)> calls) =>
        Task.WhenAll(calls.Select(call => AskAsync(http, call.Backend, HttpMethod.Get, call.Path)));

    /// <summary>Asks one. Only what changes nothing is asked twice.</summary>
    internal async Task<ModuleAnswer> AskAsync(HttpContext http, Backend backend, HttpMethod method, string path)
    {
        var answer = ModuleAnswer.None(backend);
        if (!proxies.TryGetCluster(backend.Name, out var cluster))
            return answer;
        DestinationState[] processes = [.. cluster.DestinationsState.AvailableDestinations];
        Random.Shared.Shuffle(processes);
        foreach (var process in processes.Take(method == HttpMethod.Get ? MostTries : 1))
        {
            answer = await AskAsync(http, backend, cluster.Model.HttpClient, process.Model.Config, method, path);
            if (!answer.IsAway)
                return answer;
        }
        return answer;
    }

    private static async Task<ModuleAnswer> AskAsync(
        HttpContext http, Backend backend, HttpMessageInvoker client, DestinationConfig process, HttpMethod method, string path)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        limit.CancelAfter(LongestCall);
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(new Uri(process.Address), path));
            request.Headers.Host = process.Host;
            request.Headers.TryAddWithoutValidation("Authorization", http.Request.Headers.Authorization.ToString());
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", http.Connection.RemoteIpAddress?.ToString());
            request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", http.Request.Scheme);
            using var response = await client.SendAsync(request, limit.Token);
            await response.Content.LoadIntoBufferAsync(LargestAnswer, limit.Token);
            return new ModuleAnswer(
                backend, (int)response.StatusCode, Keep(response), await response.Content.ReadAsByteArrayAsync(limit.Token));
        }
        catch (Exception error) when (
            error is HttpRequestException or IOException or OperationCanceledException && !http.RequestAborted.IsCancellationRequested)
        {
            return ModuleAnswer.None(backend);
        }
    }

    private static List<KeyValuePair<string, string>> Keep(HttpResponseMessage response) =>
        [.. response.Headers.Concat((IEnumerable<KeyValuePair<string, IEnumerable<string>>>)response.Content.Headers)
            .Where(header => PassedOn.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            .Select(header => KeyValuePair.Create(header.Key, string.Join(", ", header.Value)))];
}
