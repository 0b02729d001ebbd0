using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Boon.Identity.Keys;
using Boon.Identity.Users;
using Boon.Platform.Web.Tokens;

namespace Boon.Identity.Sessions;

/// <summary>A pair of tokens.</summary>
/// <param name="AccessToken">A JWT (RS256) for the Authorization header.</param>
/// <param name="TokenType"><c>Bearer</c>.</param>
/// <param name="ExpiresIn">Seconds until the access token expires: 1800.</param>
/// <param name="RefreshToken">Good for one new pair, within 30 minutes.</param>
/// <param name="User">The user.</param>
public sealed record SessionView(string AccessToken, string TokenType, int ExpiresIn, string RefreshToken, UserView User);

/// <summary>Makes the tokens of a session. A refresh token is 256 random bits, stored as its SHA-256 only.</summary>
internal static class SessionTokens
{
    internal const string IdleLimit = "30 minutes";
    internal const string SessionLimit = "12 hours";

    internal static string NewRefreshToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    internal static byte[] HashOf(string refreshToken) => SHA256.HashData(Encoding.UTF8.GetBytes(refreshToken));

    internal static SessionView Of(User user, Guid sessionId, string refreshToken, SigningKeys keys, TokenOptions options, TimeProvider time)
    {
        var claims = AccessToken.New(user.Id, sessionId, user.Roles, time.GetUtcNow(), options);
        return new SessionView(AccessTokenIssuer.Issue(keys.Current, claims, options), "Bearer", (int)options.Lifetime.TotalSeconds, refreshToken, UserView.Of(user));
    }
}
