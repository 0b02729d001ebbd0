using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Http;

/// <summary>
/// <c>Prefer: wait=10</c> on what appears through the log: the answer waits until everything that was answered before the request has been
/// read by the subscriptions that it comes from, or for so many seconds. So whoever has just signed in sees the voucher of it, and who gets
/// none waits no longer than that takes.
/// </summary>
public static class CatchUp
{
    /// <summary>Lets callers wait for subscriptions of this endpoint's module, one after the other.</summary>
    public static RouteHandlerBuilder CatchesUp(this RouteHandlerBuilder route, params string[] subscriptions) => route
        .DescribesWait("until everything that was answered before this request is taken into account")
        .AddEndpointFilter(async (invocation, next) =>
        {
            var http = invocation.HttpContext;
            if (LongPoll.Wait(http) is var wait && wait > TimeSpan.Zero && Defences.CatchUp.On)
            {
                var log = http.RequestServices.GetRequiredService<LogCatchUp>();
                await log.WaitAsync(subscriptions, wait, http.RequestAborted);
                LongPoll.Applied(http, wait);
            }
            return await next(invocation);
        });
}
