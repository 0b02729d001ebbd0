using Boon.Gateway.Routing;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Boon.Unit.Gateway;

public sealed class ReadyOrAllTests
{
    private readonly DestinationState ready = Process(DestinationHealth.Healthy, DestinationHealth.Unknown);
    private readonly DestinationState neverAsked = Process(DestinationHealth.Unknown, DestinationHealth.Unknown);
    private readonly DestinationState away = Process(DestinationHealth.Unhealthy, DestinationHealth.Unknown);
    private readonly DestinationState failed = Process(DestinationHealth.Healthy, DestinationHealth.Unhealthy);

    [Fact]
    public void A_process_that_was_never_asked_gets_no_requests_while_another_is_ready() =>
        Available(neverAsked, away, ready, failed).ShouldBe([ready]);

    [Fact]
    public void When_none_is_ready_all_are_tried() => Available(neverAsked, away, failed).ShouldBe([neverAsked, away, failed]);

    private static IReadOnlyList<DestinationState> Available(params DestinationState[] all) =>
        new ReadyOrAll().GetAvailalableDestinations(new ClusterConfig(), all);

    private static DestinationState Process(DestinationHealth active, DestinationHealth passive) =>
        new("a process") { Health = { Active = active, Passive = passive } };
}
