namespace Boon.Gateway;

/// <summary>Switches of the gateway that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class GatewayDefences
{
    /// <summary>A request that can be sent twice is sent to another process when the first one fails. Off: the failure is the answer.</summary>
    internal static bool SecondSending { get; set; } = true;

    /// <summary>A bucket is a credential's own only once a module has taken it. Off: every credential has one, also one that was made up.</summary>
    internal static bool TakenCredentials { get; set; } = true;
}
