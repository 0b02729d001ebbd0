using System.Net.Http.Headers;
using System.Net.Http.Json;
using Boon.Platform.Input;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Services;

/// <summary>Where a log ended at a moment at which everything that its module had committed before had its number.</summary>
/// <param name="Head">The last sequence.</param>
/// <param name="LogId">The log's id.</param>
public sealed record SettledLog(long Head, Guid LogId);

/// <summary>Asks the processes of other modules, with the services' own credential.</summary>
public sealed class ModuleClient(IConfiguration configuration, ServicesSecret secret) : IDisposable
{
    /// <summary>The whole question, at however many processes of the module.</summary>
    private static readonly TimeSpan LongestSettle = TimeSpan.FromSeconds(5);

    /// <summary>A process that does not take a connection for so long is passed for the next one.</summary>
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(1);

    /// <summary>A name's addresses in the DNS are looked up again at least so often.</summary>
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(1);

    private readonly HttpClient http = new(new SocketsHttpHandler
        { ConnectTimeout = LongestConnect, PooledConnectionLifetime = ConnectionLife, AllowAutoRedirect = false, UseProxy = false })
        { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>
    /// Asks a module for the settled end of its log: what the module had answered before the call stands up to it, and what it answers
    /// after the call stands behind it.
    /// </summary>
    /// <exception cref="SourceUnreachableException">No process of the module answered within 5 s.</exception>
    public async Task<SettledLog> SettleAsync(string module, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestSettle);
        try
        {
            using var answer = await AskAsync(module, HttpMethod.Post, $"/internal/logs/{module}/settle", limit.Token);
            return await answer.Content.ReadFromJsonAsync<SettledLog>(Json.Options, limit.Token)
                ?? throw new SourceUnreachableException(module, "its answer is empty");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new SourceUnreachableException(module, $"no answer within {LongestSettle.TotalSeconds} s");
        }
    }

    /// <summary>Opens a module's log after a sequence, as newline-delimited JSON without personal data. Dispose the stream.</summary>
    /// <exception cref="SourceUnreachableException">No process of the module answered.</exception>
    public async Task<Stream> OpenLogAsync(string module, long after, CancellationToken ct)
    {
        // The answer lives as long as its stream, whose end closes it.
        var answer = await AskAsync(module, HttpMethod.Get, $"/internal/logs/{module}?after={after}", ct);
        return await answer.Content.ReadAsStreamAsync(ct);
    }

    private async Task<HttpResponseMessage> AskAsync(string module, HttpMethod method, string path, CancellationToken ct)
    {
        var processes = ModuleAddresses.Of(configuration, module).ToArray();
        if (processes.Length == 0)
            throw new SourceUnreachableException(module, $"nothing says where it is; {ModuleAddresses.HowToSet(module)}");
        Random.Shared.Shuffle(processes);
        var why = "";
        foreach (var process in processes)
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(process, path));
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret.Text);
                var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
                if (answer.IsSuccessStatusCode)
                    return answer;
                why = $"{process} answered {(int)answer.StatusCode}";
                answer.Dispose();
            }
            catch (Exception error) when (error is HttpRequestException or IOException
                || (error is OperationCanceledException && !ct.IsCancellationRequested))
            {
                why = $"{process}: {error.Message}";
            }
        throw new SourceUnreachableException(module, why);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();
}
