namespace Boon.Promotions;

/// <summary>The defences of this module.</summary>
internal static class PromotionsDefences
{
    /// <summary>
    /// A claim is answered after its transaction has committed. Off: before, and the commit follows as a write-behind cache would do it.
    /// </summary>
    internal static Defence DurableReply { get; } = new();

    /// <summary>How far a write-behind cache is behind.</summary>
    internal static readonly TimeSpan WriteBehind = TimeSpan.FromMilliseconds(30);

    /// <summary>
    /// Claims with an <c>Idempotency-Key</c> are coalesced as others are, so that none that waits holds a connection. Off: each is a
    /// transaction of its own.
    /// </summary>
    internal static Defence CoalescedKeys { get; } = new();

    /// <summary>
    /// A user's earlier claim of a type is looked for while the pool is held, and a unique key stands behind it. Off: neither.
    /// </summary>
    internal static Defence OncePerUser { get; } = new();

    /// <summary>
    /// A code is locked while uses of it are taken, and what a transaction takes counts in it. Off: the count that was read is written
    /// back, plus one.
    /// </summary>
    internal static Defence ExactUses { get; } = new();

    /// <summary>A use is given back if it was not before. Off: whenever somebody asks for it.</summary>
    internal static Defence ReleaseOnce { get; } = new();

    /// <summary>An order is redeemed for once, and not after it was cancelled. Off: whenever its event comes.</summary>
    internal static Defence OncePerOrder { get; } = new();

    /// <summary>A paced type's queue has its length. Off: it has none.</summary>
    internal static Defence QueueLimit { get; } = new();

    /// <summary>A paced type grants so many in any one second. Off: as many as it can.</summary>
    internal static Defence PaceWindow { get; } = new();

    /// <summary>So many claims of a paced type are worked on at once. Off: any number.</summary>
    internal static Defence WorkerLimit { get; } = new();

    /// <summary>An upload with a bad row stores nothing. Off: it stores the good ones.</summary>
    internal static Defence AllOrNothing { get; } = new();

    /// <summary>
    /// What a grant does while its claim is in state <c>working</c>, beyond its transaction: nothing, but a test can make it slow.
    /// </summary>
    internal static Func<Task>? GrantWork { get; set; }
}
