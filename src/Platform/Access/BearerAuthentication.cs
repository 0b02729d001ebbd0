using System.Security.Claims;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Http;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Access;

/// <summary>
/// Authenticates <c>Authorization: Bearer</c> with Boon's own tokens, through the cache of those that were seen. Challenges are problem
/// documents.
/// </summary>
internal sealed class BearerAuthentication(AccessTokenVerifier verifier, AccessState state) : JwtBearerEvents
{
    internal const string SchemeName = JwtBearerDefaults.AuthenticationScheme;
    private const string Prefix = "Bearer ";

    public override async Task MessageReceived(MessageReceivedContext context)
    {
        if (TokenOf(context.Request) is not { } token)
        {
            context.NoResult();
            return;
        }
        var verification = await verifier.VerifyAsync(token);
        if (verification.Refusal == TokenRefusal.UnknownKey)
        {
            await state.RefreshAsync(context.HttpContext.RequestAborted);
            verification = await verifier.VerifyAsync(token);
        }
        if (verification.Token is { } claims)
        {
            context.Principal = Caller.Principal(claims);
            context.Success();
        }
        else
            context.Fail(verification.Refusal.ToString());
    }

    public override Task Challenge(JwtBearerChallengeContext context)
    {
        context.HandleResponse();
        context.Response.Headers.WWWAuthenticate = SchemeName;
        const string Detail = "Send a valid access token: Authorization: Bearer <token>.";
        return Problems.Of(StatusCodes.Status401Unauthorized, "unauthenticated", Detail).ExecuteAsync(context.HttpContext);
    }

    public override Task Forbidden(ForbiddenContext context) =>
        Problems.Of(StatusCodes.Status403Forbidden, "forbidden", "Your token lacks the role that this call needs.")
            .ExecuteAsync(context.HttpContext);

    /// <summary>
    /// The token of a request, or null. There is one header of this scheme, or none: the handler of the library would join several, and
    /// trim.
    /// </summary>
    private static string? TokenOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } text] && text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            ? text[Prefix.Length..]
            : null;
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

    /// <summary>
    /// Whose things are asked for: the caller's own, or with <c>?userId=</c> an operator's choice. False: they are another user's, which is
    /// 404.
    /// </summary>
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
