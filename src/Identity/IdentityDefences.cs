namespace Boon.Identity;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class IdentityDefences
{
    /// <summary>A refresh token that two tabs use at once gives both a pair. Off: the second use ends the session.</summary>
    internal static bool RefreshOverlap { get; set; } = true;

    /// <summary>Sign-ins have a share of the hashing threads' time. Off: they wait behind every sign-up that came before.</summary>
    internal static bool SignInShare { get; set; } = true;

    /// <summary>A refresh token that comes again after that ends its session. Off: it is only refused.</summary>
    internal static bool ReuseEndsSession { get; set; } = true;
}
