using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Serilog.Events;

namespace Boon.Platform.Observability;

/// <summary>
/// One line for each request once it is answered: what, how it ended, how long it took, for whom, and its trace. Routes are templates: no
/// ids, no text of a caller. A request only leaves its line here. Lines are written together, a moment later: one by one they would cost
/// more than a claim.
/// </summary>
internal sealed class AccessLog(Serilog.ILogger log, TimeProvider time) : BackgroundService
{
    /// <summary>Lines that wait to be written; beyond that they are dropped and counted, because no request waits for a log.</summary>
    private const int MostWaiting = 100_000;

    /// <summary>Lines that are written at once.</summary>
    private const int MostTogether = 1_000;

    /// <summary>How long lines gather before they are written.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50);

    private readonly Channel<RequestLine> waiting = Channel.CreateBounded<RequestLine>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly bool watching = log.IsEnabled(LogEventLevel.Debug);
    private long dropped;

    internal static void Use(WebApplication app)
    {
        if (!Settings.LogRequests.Of(app.Configuration))
            return;
        var log = app.Services.GetRequiredService<AccessLog>();
        app.Use(async (http, next) =>
        {
            var (began, method) = (Stopwatch.GetTimestamp(), http.Request.Method); // a HEAD is answered as a GET
            try
            {
                await next(http);
            }
            finally
            {
                log.Add(http, method, began);
            }
        });
    }

    private void Add(HttpContext http, string method, long began)
    {
        // The exception handler takes the endpoint from a request that failed.
        var endpoint = http.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? http.GetEndpoint();
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        if (IsWatching(route) && !watching)
            return;
        var line = new RequestLine(
            time.GetLocalNow(), method, route ?? "-", http.Response.StatusCode, Stopwatch.GetElapsedTime(began).TotalMilliseconds,
            http.User.FindFirst("sub")?.Value ?? "-", Activity.Current?.TraceId);
        if (!waiting.Writer.TryWrite(line))
            Interlocked.Increment(ref dropped);
    }

    /// <summary>Those who ask every few seconds how this process is.</summary>
    private static bool IsWatching(string? route) => route is "/metrics" or "/health/live" or "/health/ready";

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                Write();
                await Task.Delay(Gathering, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Write(); // the server has stopped: these are the last
        }
    }

    /// <summary>Writes what waits: what is of interest only to those who look closely apart from the rest.</summary>
    private void Write()
    {
        var (requests, looks) = (new List<RequestLine>(), new List<RequestLine>());
        while (waiting.Reader.TryRead(out var line))
        {
            var lines = IsWatching(line.Route) ? looks : requests;
            lines.Add(line);
            if (lines.Count < MostTogether)
                continue;
            RequestLines.Write(log, lines == looks ? LogEventLevel.Debug : LogEventLevel.Information, lines);
            lines.Clear();
        }
        RequestLines.Write(log, LogEventLevel.Information, requests);
        RequestLines.Write(log, LogEventLevel.Debug, looks);
        if (Interlocked.Exchange(ref dropped, 0) is > 0 and var lost)
            log.Warning("{Lost} lines about requests were dropped: they came faster than the log took them", lost);
    }
}
