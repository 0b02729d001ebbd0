using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Boon.Identity.Accounts;
using Boon.Identity.Keys;
using Boon.Platform.Access.Tokens;

namespace Boon.Identity.Sessions;

/// <summary>A pair of tokens.</summary>
/// <param name="AccessToken">A JWT (RS256) for the Authorization header.</param>
/// <param name="TokenType"><c>Bearer</c>.</param>
/// <param name="ExpiresIn">Seconds until the access token expires: 1800, or less when its session is over sooner.</param>
/// <param name="RefreshToken">Good for one new pair, within 30 minutes.</param>
/// <param name="User">The user.</param>
/// <example>
/// {"accessToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2ln", "tokenType": "Bearer", "expiresIn": 1800, "refreshToken":
/// "Zm9yIHRoZSBuZXh0IG9uZQ", "user": {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "username": "ada", "email": "ada@example.com",
/// "phone": "+31201234567", "fullName": "Ada Lovelace", "birthday": "1990-12-10", "status": "active", "roles": ["member"],
/// "createdAt": "2026-05-01T09:30:00Z"}}
/// </example>
public sealed record SessionView(string AccessToken, string TokenType, int ExpiresIn, string RefreshToken, UserView User);

/// <summary>Makes the tokens of a session. A refresh token is 256 random bits, stored as its SHA-256 only.</summary>
internal static class SessionTokens
{
    internal const string IdleLimit = "30 minutes";
    internal static readonly TimeSpan SessionLimit = TimeSpan.FromHours(12);

    internal static string NewRefreshToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    internal static byte[] HashOf(string refreshToken) => SHA256.HashData(Encoding.UTF8.GetBytes(refreshToken));

    /// <summary>The pair that a sign-in or a refresh answers.</summary>
    /// <param name="user">Whose session it is, with the roles of this moment.</param>
    /// <param name="session">The session, and how long it goes on by the database's clock: no token outlives it.</param>
    /// <param name="refreshToken">The new refresh token.</param>
    /// <param name="keys">Who signs.</param>
    /// <param name="options">What a token says.</param>
    /// <param name="time">The clock.</param>
    internal static SessionView Of(
        User user, (Guid Id, TimeSpan Left) session, string refreshToken, SigningKeys keys, TokenOptions options, TimeProvider time)
    {
        var claims = AccessToken.New(user.Id, session.Id, user.Roles, time.GetUtcNow(), options, session.Left);
        return new SessionView(
            AccessTokenIssuer.Issue(keys.Current, claims, options), "Bearer", (int)(claims.ExpiresAt - claims.IssuedAt).TotalSeconds,
            refreshToken, UserView.Of(user));
    }
}
