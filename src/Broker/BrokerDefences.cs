namespace Boon.Broker;

/// <summary>What the guarantees of logs over a broker rest on.</summary>
internal static class BrokerDefences
{
    /// <summary>
    /// A log counts as shipped up to what the broker has confirmed, and still has. Off: up to what was to be sent.
    /// </summary>
    internal static Defence ConfirmsFirst { get; } = new();

    /// <summary>A copy takes each event after the one before it, and no other. Off: whatever comes later.</summary>
    internal static Defence CopyInOrder { get; } = new();

    /// <summary>A copy's events and its place in the stream are written together. Off: the place first.</summary>
    internal static Defence CopyAtOnce { get; } = new();

    /// <summary>A copy waits where events are missing. Off: after a while it goes on behind them.</summary>
    internal static Defence GapStops { get; } = new();

    /// <summary>A copy takes messages of its source's own broker user only. Off: of anybody.</summary>
    internal static Defence OwnPublisher { get; } = new();

    /// <summary>A copy erases what its source has erased. Off: it keeps it.</summary>
    internal static Defence ErasedCopies { get; } = new();

    /// <summary>All of them.</summary>
    internal static IReadOnlyList<Defence> All { get; } = Defence.Of(typeof(BrokerDefences));
}
