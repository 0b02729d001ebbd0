namespace Boon.Quests;

/// <summary>The defences of this module.</summary>
internal static class QuestsDefences
{
    /// <summary>A claim takes one unclaimed completion by a conditional statement. Off: it is read first, and marked afterwards.</summary>
    internal static Defence ConditionalClaim { get; } = new();

    /// <summary>An event that was received before is left out, and a unique key stands behind it. Off: it counts again.</summary>
    internal static Defence OncePerEvent { get; } = new();

    /// <summary>
    /// Whether a completion was claimed is what its row says once it is held to be withdrawn. Off: what it said before, so that the reward
    /// of a claim in between is not taken back.
    /// </summary>
    internal static Defence WithdrawalSeesClaim { get; } = new();
}
