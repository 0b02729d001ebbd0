using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Boon.Intake.Keys;

/// <summary>
/// Authenticates <c>Authorization: Bearer boon_...</c> where API keys are taken. Challenges are left to the scheme of tokens, which is
/// always there too.
/// </summary>
internal sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ModuleDatabase<IntakeDb> module)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    internal const string SchemeName = "ApiKey";

    private const string Start = $"Bearer {ApiKey.Prefix}";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();
        var key = text[(Start.Length - ApiKey.Prefix.Length)..];
        if (!ApiKey.IsOne(key))
            return AuthenticateResult.Fail("This is no API key.");
        var find = module.Command("select id from intake.api_keys where hash = $1 and revoked_at is null", ApiKey.HashOf(key));
        if (await find.ScalarAsync<Guid?>(Context.RequestAborted) is not { } id)
            return AuthenticateResult.Fail("The API key is unknown or revoked.");
        var identity = new ClaimsIdentity([new Claim("sub", id.ToString()), new Claim("roles", Role.ApiKey)], SchemeName, "sub", "roles");
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => Task.CompletedTask;

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Task.CompletedTask;
}
