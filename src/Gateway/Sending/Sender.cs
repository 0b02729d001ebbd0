using System.Diagnostics.Metrics;
using Boon.Gateway.Routing;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Yarp.ReverseProxy.Forwarder;

namespace Boon.Gateway.Sending;

/// <summary>
/// Sends a request on, once more to another process when the first one fails and a second sending can do no harm, and says in words of
/// Boon's own when no process answers.
/// </summary>
internal sealed class Sender(Backends backends, HeldBytes held, TimeProvider time)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long the end of an earlier sending is waited for: the database ends the transaction of a killed process as soon as it sees that
    /// it is gone.
    /// </summary>
    private static readonly TimeSpan LongestInFlight = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(200);

    private static readonly Counter<long> Retries = LogMetrics.Meter.CreateCounter<long>(
        "boon_gateway_retries",
        description: "Requests that were sent a second time, to another process, because the first one did not serve them.");

    /// <summary>A part of the proxy's pipeline: what comes after it picks a process and sends the request to it.</summary>
    internal async Task SendAsync(HttpContext http, RequestDelegate next)
    {
        var route = http.GetEndpoint()!.Metadata.GetRequiredMetadata<DeclaredRoute>();
        if (GatewayDefences.SecondSending.On && await Attempt.OfAsync(http, route, held) is { } attempt)
            await SendSafelyAsync(http, attempt, next);
        else
            await next(http);
        await ExplainAsync(http, route);
    }

    private async Task SendSafelyAsync(HttpContext http, Attempt attempt, RequestDelegate next)
    {
        var proxy = http.GetReverseProxyFeature();
        var all = proxy.AvailableDestinations;
        http.Features.Set(attempt);
        attempt.HasOthers = all.Count > 1;
        attempt.Begin(http);
        await next(http);
        if (!attempt.HasFailed(http) || !attempt.HasOthers)
            return;
        var failed = proxy.ProxiedDestination;
        DestinationState[] others = [.. all.Where(process => process != failed)];
        Retries.Add(1, new KeyValuePair<string, object?>("backend", proxy.Cluster.Config.ClusterId));
        attempt.HasOthers = false;
        var (began, pause) = (time.GetTimestamp(), new Backoff(FirstPause, LongestPause));
        do
        {
            if (attempt.InFlight)
                await Task.Delay(pause.Next(), time, http.RequestAborted);
            attempt.WaitsOut = time.GetElapsedTime(began) < LongestInFlight;
            http.Response.Clear();
            proxy.AvailableDestinations = others;
            attempt.Begin(http);
            await next(http);
        }
        while (attempt.InFlight);
    }

    /// <summary>What the proxy reports as a bare status becomes a problem document, while the client has got nothing yet.</summary>
    private async Task ExplainAsync(HttpContext http, DeclaredRoute route)
    {
        if (http.Features.Get<IForwarderErrorFeature>() is not { } failure || http.Response.HasStarted
            || http.RequestAborted.IsCancellationRequested)
            return;
        http.Response.Clear();
        for (var error = failure.Exception; error is not null; error = error.InnerException)
            if (error is BadHttpRequestException bad)
            {
                http.Response.StatusCode = bad.StatusCode; // the pages of statuses have words for it
                return;
            }
        await Unavailable(http, route.Module is { } module ? [module] : backends.All[0].Modules).ExecuteAsync(http);
    }

    /// <summary>503 that names the modules of which no process answers.</summary>
    internal static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Unavailable(HttpContext http, IReadOnlyList<string> modules) =>
        Problems.RetryLater(
            http, StatusCodes.Status503ServiceUnavailable, Problems.ModuleUnavailable,
            $"No process of {(modules.Count == 1 ? "the module" : "the modules")} {string.Join(", ", modules)} answers; try again.",
            RetryAfter);
}
