namespace Boon.Orders;

/// <summary>The defences of this module.</summary>
internal static class OrdersDefences
{
    /// <summary>
    /// An order is settled by the result that its own order-placed event caused. Off: by any result whose reference is the order's id,
    /// whoever asked for it.
    /// </summary>
    internal static Defence OwnResults { get; } = new();

    /// <summary>A result settles an order that is pending. Off: whatever its state is, a cancelled one too.</summary>
    internal static Defence PendingOnly { get; } = new();

    /// <summary>Who orders is known by the token. Off: by the log, where the registration may not have arrived yet.</summary>
    internal static Defence TokenProves { get; } = new();
}
