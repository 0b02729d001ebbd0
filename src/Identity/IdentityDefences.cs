namespace Boon.Identity;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class IdentityDefences
{
    /// <summary>A refresh token that two tabs use at once gives both a pair. Off: the second use ends the session.</summary>
    internal static bool RefreshOverlap { get; set; } = true;

    /// <summary>A refresh token that comes again after that ends its session. Off: it is only refused.</summary>
    internal static bool ReuseEndsSession { get; set; } = true;
}
