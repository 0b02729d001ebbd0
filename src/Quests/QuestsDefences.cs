namespace Boon.Quests;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class QuestsDefences
{
    /// <summary>A claim takes one unclaimed completion by a conditional statement. Off: it is read first, and marked afterwards.</summary>
    internal static bool ConditionalClaim { get; set; } = true;

    /// <summary>An event that was received before is left out, and a unique key stands behind it. Off: it counts again.</summary>
    internal static bool OncePerEvent { get; set; } = true;

    /// <summary>Called in the middle of the COPY that stores received events: where the test host freezes its own process. Null in production.</summary>
    internal static Action? Receiving { get; set; }
}
