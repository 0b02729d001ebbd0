using Boon.Platform.Access;
using Boon.Platform.Http;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Hosting;

/// <summary>
/// How many requests of one caller may wait at a time in a process (<c>Prefer: wait</c>): each holds a connection and looks again and
/// again. Operators serve many people, so they have no limit.
/// </summary>
internal sealed class WaitLimit
{
    internal const int PerCaller = 20;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, int> waiting = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    internal async Task AdmitAsync(HttpContext http, RequestDelegate next)
    {
        if (!LongPoll.IsAskedBy(http) || http.User.IsOperator())
        {
            await next(http);
            return;
        }
        var caller = http.User.FindFirst("sub")?.Value ?? ClientAddress.NetworkOf(http.Connection.RemoteIpAddress);
        if (!TryEnter(caller))
        {
            await Problems.RetryLater(
                http, StatusCodes.Status429TooManyRequests, "too-many-waits",
                $"{PerCaller} of your requests are waiting already; let one of them end.", RetryAfter)
                .ExecuteAsync(http);
            return;
        }
        try
        {
            await next(http);
        }
        finally
        {
            Leave(caller);
        }
    }

    private bool TryEnter(string caller)
    {
        lock (gate)
        {
            var now = waiting.GetValueOrDefault(caller);
            if (now >= PerCaller)
                return false;
            waiting[caller] = now + 1;
            return true;
        }
    }

    private void Leave(string caller)
    {
        lock (gate)
            if (--waiting[caller] == 0)
                waiting.Remove(caller);
    }
}
