using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Observability;

/// <summary>One line for each request once it is answered: what, how it ended, how long it took, for whom, and its trace. Routes are templates: no ids, no text of a caller.</summary>
internal static partial class AccessLog
{
    /// <summary>The category of the lines.</summary>
    internal const string Category = "Boon.Requests";

    internal static void Use(WebApplication app)
    {
        if (!Settings.LogRequests.Of(app.Configuration))
            return;
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Category);
        app.Use(async (http, next) =>
        {
            var (began, method) = (Stopwatch.GetTimestamp(), http.Request.Method); // a HEAD is answered as a GET
            try
            {
                await next(http);
            }
            finally
            {
                var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
                LogRequest(logger, IsWatching(route) ? LogLevel.Debug : LogLevel.Information, method, route ?? "-", http.Response.StatusCode,
                    Stopwatch.GetElapsedTime(began).TotalMilliseconds, http.User.FindFirst("sub")?.Value ?? "-", Activity.Current?.TraceId.ToString() ?? "-");
            }
        });
    }

    /// <summary>Those who ask every few seconds how this process is.</summary>
    private static bool IsWatching(string? route) => route is "/metrics" or "/health/live" or "/health/ready";

    [LoggerMessage(EventId = 1, Message = "{Method} {Route} {Status} in {Milliseconds:0.0} ms, user {UserId}, trace {Trace}", EventName = "request")]
    private static partial void LogRequest(ILogger logger, LogLevel level, string method, string route, int status, double milliseconds, string userId, string trace);
}
