namespace Boon.Identity;

/// <summary>The defences of this module.</summary>
internal static class IdentityDefences
{
    /// <summary>A refresh token that two tabs use at once gives both a pair. Off: the second use ends the session.</summary>
    internal static Defence RefreshOverlap { get; } = new();

    /// <summary>Sign-ins have a share of the hashing threads' time. Off: they wait behind every sign-up that came before.</summary>
    internal static Defence SignInShare { get; } = new();

    /// <summary>A refresh token that comes again after that ends its session. Off: it is only refused.</summary>
    internal static Defence ReuseEndsSession { get; } = new();
}
