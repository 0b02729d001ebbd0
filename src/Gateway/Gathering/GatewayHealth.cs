using Boon.Gateway.Routing;
using Boon.Gateway.Sending;
using Boon.Platform.Operations;

namespace Boon.Gateway.Gathering;

/// <summary>
/// How the gateway is: ready once each module has had a process that is, until it drains. A module that goes away later does not make it
/// unready: without a gateway, clients would get no answer at all instead of a 503 for that module alone.
/// </summary>
internal sealed class GatewayHealth(BackendWatch watch, Drain drain)
{
    private sealed record Health(string Status);

    internal static Task AnswerLiveAsync(HttpContext http) => TypedResults.Ok(new Health("live")).ExecuteAsync(http);

    internal Task AnswerReadyAsync(HttpContext http) =>
        drain.Begun ? Drain.Refuse(http).ExecuteAsync(http)
        : watch.ModulesNotSeen is { Count: > 0 } away ? Sender.Unavailable(http, away).ExecuteAsync(http)
        : TypedResults.Ok(new Health("ready")).ExecuteAsync(http);
}
