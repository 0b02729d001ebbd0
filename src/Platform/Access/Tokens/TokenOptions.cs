namespace Boon.Platform.Access.Tokens;

/// <summary>What every access token of this installation says about its origin, its audience and its life.</summary>
public sealed record TokenOptions
{
    /// <summary>The <c>iss</c> claim, compared exactly: other installations' tokens are refused. Default <c>boon</c>.</summary>
    public string Issuer { get; init; } = "boon";

    /// <summary>The <c>aud</c> claim, compared exactly: tokens for other services are refused. Default <c>boon</c>.</summary>
    public string Audience { get; init; } = "boon";

    /// <summary>From issue to expiry. Roles are as old as the token, so this bounds their age too. Default 30 minutes.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long ago all ended sessions and keys may have been known last, for operators to be let in. Default 1 minute.</summary>
    public TimeSpan MaxStaleness { get; init; } = TimeSpan.FromMinutes(1);
}
