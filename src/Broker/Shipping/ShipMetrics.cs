using System.Diagnostics.Metrics;

namespace Boon.Broker.Shipping;

/// <summary>What the shippers of a process did.</summary>
internal static class ShipMetrics
{
    private static readonly Counter<long> ShippedEvents = LogMetrics.Meter.CreateCounter<long>(
        "boon_events_shipped", description: "Events that this process published and the broker confirmed.");

    internal static void Shipped(string module, long count) =>
        ShippedEvents.Add(count, new KeyValuePair<string, object?>("module", module));
}
