namespace Boon.Orders;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class OrdersDefences
{
    /// <summary>An order is settled by the result that its own order-placed event caused. Off: by any result whose reference is the order's id, whoever asked for it.</summary>
    internal static bool OwnResults { get; set; } = true;

    /// <summary>A result settles an order that is pending. Off: whatever its state is, a cancelled one too.</summary>
    internal static bool PendingOnly { get; set; } = true;

    /// <summary>Who orders is known by the token. Off: by the log, where the registration may not have arrived yet.</summary>
    internal static bool TokenProves { get; set; } = true;
}
