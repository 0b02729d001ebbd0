using System.Diagnostics.Metrics;

namespace Boon.Broker.Receiving;

/// <summary>What the receivers of a process did.</summary>
internal static class CopyMetrics
{
    private static readonly Counter<long> ReceivedEvents = LogMetrics.Meter.CreateCounter<long>(
        "boon_events_received", description: "Events that this process wrote into copies of other databases' logs.");
    private static readonly Counter<long> RefusedMessages = LogMetrics.Meter.CreateCounter<long>(
        "boon_messages_refused", description: "Messages of a stream that this process left out: of another publisher, or unreadable.");

    internal static void Received(string source, long count) =>
        ReceivedEvents.Add(count, new KeyValuePair<string, object?>("source", source));

    internal static void Refused(string source) => RefusedMessages.Add(1, new KeyValuePair<string, object?>("source", source));
}
