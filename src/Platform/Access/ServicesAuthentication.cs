using System.Security.Claims;
using System.Text.Encodings.Web;
using Boon.Platform.Http;
using Boon.Platform.Services;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Boon.Platform.Access;

/// <summary>
/// Authenticates the processes of this installation by <see cref="ServicesSecret"/>, where only they may call: no token and no API key is
/// taken there.
/// </summary>
internal sealed class ServicesAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ServicesSecret secret)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    internal const string SchemeName = "Services";
    private const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var known = Request.Headers.Authorization is [{ } text] && text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            && secret.Is(text[Prefix.Length..]);
        return Task.FromResult(known
            ? AuthenticateResult.Success(new(new(new ClaimsIdentity(SchemeName)), SchemeName)) : AuthenticateResult.NoResult());
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        Problems.Of(StatusCodes.Status401Unauthorized, "unauthenticated", "Only processes of this installation may call this address.")
            .ExecuteAsync(Context);
}

/// <summary>Who may call what processes of one installation ask each other.</summary>
internal static class ServicesAccess
{
    /// <summary>
    /// Lets processes of this installation in, and nobody else. Such a route is no part of the API: the document does not have it, and the
    /// gateway does not forward it.
    /// </summary>
    internal static RouteHandlerBuilder ForServices(this RouteHandlerBuilder route) => route
        .RequireAuthorization(new AuthorizeAttribute
            { Policy = ServicesAuthentication.SchemeName, AuthenticationSchemes = ServicesAuthentication.SchemeName })
        .ExcludeFromDescription();
}
