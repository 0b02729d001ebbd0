namespace Boon.Gateway;

/// <summary>The defences of the gateway.</summary>
public static class GatewayDefences
{
    /// <summary>
    /// A request that can be sent twice is sent to another process when the first one fails. Off: the failure is the answer.
    /// </summary>
    internal static Defence SecondSending { get; } = new();

    /// <summary>
    /// A bucket is a credential's own only once a module has taken it. Off: every credential has one, also one that was made up.
    /// </summary>
    internal static Defence TakenCredentials { get; } = new();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Defence> All { get; } = Defence.Of(typeof(GatewayDefences));
}
