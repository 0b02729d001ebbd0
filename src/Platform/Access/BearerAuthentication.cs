using System.Security.Claims;
using System.Text.Encodings.Web;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Boon.Platform.Access;

/// <summary>Authenticates <c>Authorization: Bearer</c> with Boon's own tokens; challenges are problem documents.</summary>
internal sealed class BearerAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, AccessTokenVerifier verifier, AccessState state)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    internal const string SchemeName = "Bearer";
    private const string Prefix = "Bearer ";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();
        var verification = verifier.Verify(text[Prefix.Length..]);
        if (verification.Refusal == TokenRefusal.UnknownKey)
        {
            await state.RefreshAsync(Context.RequestAborted);
            verification = verifier.Verify(text[Prefix.Length..]);
        }
        return verification.Token is { } token
            ? AuthenticateResult.Success(new AuthenticationTicket(Caller.Principal(token), SchemeName))
            : AuthenticateResult.Fail(verification.Refusal.ToString());
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.Of(StatusCodes.Status401Unauthorized, "unauthenticated", "Send a valid access token: Authorization: Bearer <token>.").ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.Of(StatusCodes.Status403Forbidden, "forbidden", "Your token lacks the role that this call needs.").ExecuteAsync(Context);
}

/// <summary>Who calls: the verified token as the request carries it.</summary>
public static class Caller
{
    /// <summary>The authentication scheme of access tokens.</summary>
    public const string Scheme = BearerAuthentication.SchemeName;

    /// <summary>The policy of calls for any signed-in user.</summary>
    public const string Member = Role.Member;

    /// <summary>The policy of calls for operators.</summary>
    public const string Operator = Role.Operator;

    /// <summary>The caller's user id.</summary>
    public static Guid UserId(this ClaimsPrincipal caller) => Guid.Parse(caller.FindFirst("sub")!.Value);

    /// <summary>The caller's session.</summary>
    public static Guid SessionId(this ClaimsPrincipal caller) => Guid.Parse(caller.FindFirst("sid")!.Value);

    /// <summary>True for an operator.</summary>
    public static bool IsOperator(this ClaimsPrincipal caller) => caller.IsInRole(Operator);

    /// <summary>Whose things are asked for: the caller's own, or with <c>?userId=</c> an operator's choice. False: they are another user's, which is 404.</summary>
    public static bool MaySee(this ClaimsPrincipal caller, string? userId, out Guid user)
    {
        user = caller.UserId();
        return userId is null || (Guid.TryParse(userId, out user) && (user == caller.UserId() || caller.IsOperator()));
    }

    /// <summary>Lets operators in, and nobody else: 401 without a token, 403 without the role.</summary>
    public static RouteHandlerBuilder ForOperators(this RouteHandlerBuilder route) => route.RequireAuthorization(Operator);

    /// <summary>Lets every signed-in user in: 401 without a token.</summary>
    public static RouteHandlerBuilder ForMembers(this RouteHandlerBuilder route) => route.RequireAuthorization(Member);

    internal static ClaimsPrincipal Principal(AccessToken token)
    {
        var identity = new ClaimsIdentity(BearerAuthentication.SchemeName, "sub", "roles");
        identity.AddClaim(new Claim("sub", token.Subject.ToString()));
        identity.AddClaim(new Claim("sid", token.SessionId.ToString()));
        foreach (var role in token.Roles)
            identity.AddClaim(new Claim("roles", role));
        return new ClaimsPrincipal(identity);
    }
}
