using Boon.Platform.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Operations;

/// <summary>
/// The time before a process stops to listen: <c>/health/ready</c> says 503, so that balancers choose others, and each answer closes its
/// connection, so that clients that keep one come back elsewhere. Requests are served as ever.
/// </summary>
public sealed class Drain
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private volatile bool begun;

    /// <summary>True once it has begun; it ends with the process.</summary>
    public bool Begun => begun;

    /// <summary>What <c>/health/ready</c> answers from then on.</summary>
    public static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Refuse(HttpContext http) =>
        Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "draining",
            "This process is about to stop; send requests to others.", RetryAfter);

    /// <summary>Drains for so long.</summary>
    public async Task RunAsync(TimeSpan time)
    {
        if (!Defences.Drain.On)
            return;
        begun = true;
        await Task.Delay(time);
    }

    /// <summary>Closes connections once it has begun, also those of requests that began before.</summary>
    internal void CloseConnections(IApplicationBuilder app)
    {
        Func<object, Task> close = state =>
        {
            var http = (HttpContext)state;
            if (!begun)
                return Task.CompletedTask;
            if (HttpProtocol.IsHttp11(http.Request.Protocol) || HttpProtocol.IsHttp10(http.Request.Protocol))
                http.Response.Headers.Connection = "close";
            else
                http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return Task.CompletedTask;
        };
        app.Use((http, next) =>
        {
            http.Response.OnStarting(close, http);
            return next(http);
        });
    }
}
