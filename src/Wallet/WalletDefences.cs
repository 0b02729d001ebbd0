namespace Boon.Wallet;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class WalletDefences
{
    /// <summary>A completion is credited once: a second entry for it conflicts with the first and is left out. Off: every reward that comes is credited.</summary>
    internal static bool OncePerCompletion { get; set; } = true;
}
