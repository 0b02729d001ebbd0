namespace Boon.Platform.Access.Tokens;

/// <summary>
/// The claims of an access token; those that <see cref="AccessTokenVerifier"/> gives are verified. Times are whole seconds, UTC.
/// </summary>
/// <param name="Subject">The user's id (<c>sub</c>).</param>
/// <param name="SessionId">The session, whose revocation refuses all its tokens (<c>sid</c>).</param>
/// <param name="Roles">The user's roles at the time of issue (<c>roles</c>).</param>
/// <param name="Id">The token's own id (<c>jti</c>).</param>
/// <param name="IssuedAt">When the token was made (<c>iat</c>).</param>
/// <param name="ExpiresAt">From this second on the token is refused (<c>exp</c>).</param>
public sealed record AccessToken(
    Guid Subject,
    Guid SessionId,
    string[] Roles,
    Guid Id,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt
)
{
    /// <summary>Whether the token carries <see cref="Role.Operator"/>.</summary>
    public bool IsOperator => Roles.Contains(Role.Operator);

    /// <summary>
    /// Claims for a new token, valid from now for <see cref="TokenOptions.Lifetime"/>, or until its session is over if that comes first.
    /// </summary>
    /// <param name="subject">The user.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="roles">The user's roles.</param>
    /// <param name="now">The time of issue.</param>
    /// <param name="options">How long it lives.</param>
    /// <param name="sessionLeft">How long the session goes on; null: longer than any token lives.</param>
    public static AccessToken New(
        Guid subject, Guid sessionId, string[] roles, DateTimeOffset now, TokenOptions options, TimeSpan? sessionLeft = null)
    {
        var issuedAt = WholeSecond(now);
        var expiresAt = issuedAt + options.Lifetime;
        if (sessionLeft is { } left && WholeSecond(now + left) < expiresAt)
            expiresAt = WholeSecond(now + left);
        return new AccessToken(subject, sessionId, roles, Guid.CreateVersion7(now), issuedAt, expiresAt);
    }

    private static DateTimeOffset WholeSecond(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
