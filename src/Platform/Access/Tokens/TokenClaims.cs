namespace Boon.Platform.Access.Tokens;

/// <summary>What a header says, reduced to what matters here.</summary>
internal record struct TokenHeader(bool IsRs256, bool IsAccessToken, string? KeyId);

/// <summary>What a payload says. Fields, so that they can be filled by reference.</summary>
internal struct TokenClaims
{
    internal bool IssuerIsOurs;
    internal bool AudienceIsOurs;
    internal Guid Subject;
    internal Guid SessionId;
    internal Guid Id;
    internal DateTimeOffset IssuedAt;
    internal DateTimeOffset ExpiresAt;
    internal DateTimeOffset NotBefore;
    internal string[] Roles;

    internal readonly AccessToken ToToken() => new(Subject, SessionId, Roles, Id, IssuedAt, ExpiresAt);
}
