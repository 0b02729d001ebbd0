using System.Net.Sockets;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace Boon.Gateway.Routing;

/// <summary>
/// A process that did not answer one request gets no more for a moment: it was killed, or its machine is gone, and the others need not find
/// out one by one.
/// </summary>
internal sealed class FirstFailure(IDestinationHealthUpdater health) : IPassiveHealthCheckPolicy
{
    internal const string PolicyName = "FirstFailure";

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (IsOfProcess(context.Features.Get<IForwarderErrorFeature>()) && !context.RequestAborted.IsCancellationRequested)
            health.SetPassive(cluster, destination, DestinationHealth.Unhealthy,
                cluster.Model.Config.HealthCheck!.Passive!.ReactivationPeriod!.Value);
    }

    /// <summary>True for the status of a process that cannot serve now, or that cannot reach what it needs.</summary>
    internal static bool CannotServe(int status) =>
        status is StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout;

    /// <summary>
    /// True when the process, or the way to it, is to blame: the exception shows it. A request that cannot be written says nothing about
    /// the process, or one client could take all of them out.
    /// </summary>
    internal static bool IsOfProcess(IForwarderErrorFeature? failure)
    {
        if (failure?.Error is not (ForwarderError.Request or ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination))
            return false;
        for (var error = failure.Exception; error is not null; error = error.InnerException)
            if (error is SocketException or IOException and not BadHttpRequestException
                or HttpRequestException
                {
                    HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                        or HttpRequestError.SecureConnectionError or HttpRequestError.HttpProtocolError
                        or HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse
                })
                return true;
        return false;
    }
}
