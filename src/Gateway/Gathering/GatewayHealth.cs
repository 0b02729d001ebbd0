using Boon.Gateway.Routing;
using Boon.Gateway.Sending;
using Boon.Platform.Operations;

namespace Boon.Gateway.Gathering;

/// <summary>How the gateway is: ready when each module has a process that is.</summary>
internal sealed class GatewayHealth(BackendWatch watch, Drain drain)
{
    private sealed record Health(string Status);

    internal static Task AnswerLiveAsync(HttpContext http) => TypedResults.Ok(new Health("live")).ExecuteAsync(http);

    internal Task AnswerReadyAsync(HttpContext http) =>
        drain.Begun ? Drain.Refuse(http).ExecuteAsync(http)
        : watch.ModulesAway is { Count: > 0 } away ? Sender.Unavailable(http, away).ExecuteAsync(http)
        : TypedResults.Ok(new Health("ready")).ExecuteAsync(http);
}
