namespace Boon.Wallet;

/// <summary>The defences of this module.</summary>
internal static class WalletDefences
{
    /// <summary>
    /// A completion is credited once, and taken back once: a second entry for it conflicts with the first and is left out. Off: every
    /// reward that comes is credited, every withdrawal taken back.
    /// </summary>
    internal static Defence OncePerCompletion { get; } = new();
}
