using Yarp.ReverseProxy.Health;

namespace Boon.Gateway.Routing;

/// <summary>
/// Requests go to the processes that said that they are ready, not to one that was never asked: it may just be starting. When none is
/// ready, any may still answer: a request says more than a look.
/// </summary>
internal sealed class ReadyOrAll : IAvailableDestinationsPolicy
{
    internal const string PolicyName = "ReadyOrAll";

    public string Name => PolicyName;

    public IReadOnlyList<DestinationState> GetAvailalableDestinations(
        ClusterConfig config, IReadOnlyList<DestinationState> allDestinations)
    {
        DestinationState[] ready = [.. allDestinations.Where(process =>
            process.Health is { Active: DestinationHealth.Healthy, Passive: not DestinationHealth.Unhealthy })];
        return ready.Length > 0 ? ready : allDestinations;
    }
}
