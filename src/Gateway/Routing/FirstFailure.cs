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
        if (context.Features.Get<IForwarderErrorFeature>()?.Error is ForwarderError.Request or ForwarderError.ResponseHeaders
            or ForwarderError.ResponseBodyDestination
            && !context.RequestAborted.IsCancellationRequested)
            health.SetPassive(cluster, destination, DestinationHealth.Unhealthy,
                cluster.Model.Config.HealthCheck!.Passive!.ReactivationPeriod!.Value);
    }
}
