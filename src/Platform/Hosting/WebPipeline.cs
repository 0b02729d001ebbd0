using Boon.Platform.Access;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Boon.Platform.Observability;
using Boon.Platform.Operations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Hosting;

/// <summary>What every host of Boon does with a request before its endpoint sees it.</summary>
public static class WebPipeline
{
    /// <summary>The largest body, in bytes, of a call that does not say otherwise.</summary>
    public const long LargestBody = 1024 * 1024;

    /// <summary>
    /// How far beyond what a call takes, in bytes, a refused body is read so that the client sees the refusal; where more is taken, as far
    /// again.
    /// </summary>
    private const long LeastDrain = 4 * 1024 * 1024;

    /// <summary>
    /// Registers what stands between the network and any endpoint, of a module or of the gateway: limits of the server, JSON, errors,
    /// origins.
    /// </summary>
    public static IServiceCollection AddBoonEdge(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.ConfigureEndpointDefaults(BareRefusals.Explain);
        });
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(options => Json.Configure(options.SerializerOptions));
        services.AddExceptionHandler<Errors>();
        services.AddSingleton<Drain>();
        if (Settings.LogRequests.Of(configuration))
        {
            services.AddSingleton<AccessLog>();
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AccessLog>());
        }
        CrossOrigin.Add(services, configuration);
        return services;
    }

    /// <summary>Registers the edge, authentication and the API description.</summary>
    public static IServiceCollection AddBoonWeb(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddBoonEdge(configuration);
        var tokens = new TokenOptions
        {
            Issuer = Settings.TokenIssuer.Of(configuration),
            Audience = Settings.TokenAudience.Of(configuration),
            Lifetime = Settings.TokenLifetime.Of(configuration),
            MaxStaleness = Settings.MaxStaleness.Of(configuration),
        };
        services.AddSingleton(tokens);
        services.AddSingleton<AccessState>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AccessState>());
        services.AddSingleton(provider =>
        {
            var state = provider.GetRequiredService<AccessState>();
            return new AccessTokenVerifier(tokens, provider.GetRequiredService<TimeProvider>(), state.Find, state.HasEnded);
        });
        services.AddSingleton<BearerAuthentication>();
        services.AddAuthentication(BearerAuthentication.SchemeName)
            .AddJwtBearer(options => options.EventsType = typeof(BearerAuthentication))
            .AddScheme<AuthenticationSchemeOptions, ServicesAuthentication>(ServicesAuthentication.SchemeName, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(Caller.Member, policy => policy.RequireAuthenticatedUser())
            .AddPolicy(ServicesAuthentication.SchemeName, policy => policy.RequireAuthenticatedUser())
            .AddPolicy(Caller.Operator, policy => policy.RequireRole(Caller.Operator));
        services.AddOpenApi("v1", ApiDescription.ApiDocument.Configure);
        return services;
    }

    /// <summary>Adds the middleware of the edge, up to routing.</summary>
    public static void UseBoonEdge(this WebApplication app)
    {
        app.Services.GetRequiredService<Drain>().CloseConnections(app);
        AccessLog.Use(app);
        Management.Use(app);
        app.Use(SafeHeaders.AddAsync);
        app.UseExceptionHandler(
            new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask, SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages(context => PlainStatus(context.HttpContext).ExecuteAsync(context.HttpContext));
        app.Use(RefuseUnreadableUrls);
        app.Use(RequestChecks.HeadAsGet);
        app.UseRouting();
        CrossOrigin.Use(app);
    }

    /// <summary>Adds the middleware and the endpoints that every host of modules has.</summary>
    public static void UseBoonWeb(this WebApplication app)
    {
        app.UseBoonEdge();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(FreshAccess.AdmitAsync);
        app.Use(RefuseLargeBodies); // after that: a stranger's body is not read for a call that takes more than others
        app.Use(new WaitLimit().AdmitAsync);
        app.Use(RequestChecks.Refuse);
        app.Use(ClaimIdempotencyKey);
        MapHostWide(app);
        LogsForServices.Map(app);
        app.MapOpenApi("/openapi/{documentName}.json").TakesAnyQuery().ExcludeFromDescription();
        app.UseBoonDocs();
    }

    /// <summary>The routes that answer for all modules of a process.</summary>
    internal static void MapHostWide(IEndpointRouteBuilder routes)
    {
        HealthEndpoints.Map(routes);
        ListEvents.Map(routes);
        ListAudit.Map(routes);
        ListEventTypes.Map(routes);
        DownloadLog.Map(routes);
        DeadLetterEndpoints.Map(routes);
        GetSystem.Map(routes);
    }

    /// <summary>The page that shows the document at <c>/openapi/v1.json</c>.</summary>
    public static void UseBoonDocs(this WebApplication app)
    {
        app.MapGet("/", () => TypedResults.Redirect("/docs")).TakesAnyQuery().ExcludeFromDescription();
        app.UseSwaggerUI(options =>
        {
            options.RoutePrefix = "docs";
            options.DocumentTitle = "Boon API";
            options.SwaggerEndpoint("/openapi/v1.json", "Boon v1");
        });
    }

    /// <summary>A status that no endpoint explained, as a problem document.</summary>
    private static ProblemHttpResult PlainStatus(HttpContext http)
    {
        var status = http.Response.StatusCode;
        var allowed = http.Response.Headers.Allow;
        if (status == StatusCodes.Status405MethodNotAllowed && allowed.ToString().Contains(HttpMethods.Get, StringComparison.Ordinal))
            http.Response.Headers.Allow = $"{allowed}, {HttpMethods.Head}";
        return status == StatusCodes.Status415UnsupportedMediaType ? RequestChecks.UnsupportedType(http) : Problems.Unexplained(status);
    }

    /// <summary>U+0000 in a path or query can be in no database: 400 here, rather than a failed statement later.</summary>
    private static Task RefuseUnreadableUrls(HttpContext http, RequestDelegate next)
    {
        if (!Defences.InputGuard.On)
            return next(http);
        var request = http.Request;
        return (request.Path.Value ?? "").Contains('\0', StringComparison.Ordinal) || (request.QueryString.Value ?? "")
            .Contains("%00", StringComparison.Ordinal)
            ? Problems.Of(StatusCodes.Status400BadRequest, "invalid-request", "The address must not contain U+0000.").ExecuteAsync(http)
            : next(http);
    }

    /// <summary>
    /// Refuses a body that says it is too large, after reading past it: a server that closes the connection while the client still sends
    /// shows it a broken pipe instead of the answer. Bodies beyond the drain are cut off.
    /// </summary>
    public static async Task RefuseLargeBodies(HttpContext http, RequestDelegate next)
    {
        var limit = http.GetEndpoint()?.Metadata.GetMetadata<Microsoft.AspNetCore.Http.Metadata.IRequestSizeLimitMetadata>(
            )?.MaxRequestBodySize ?? LargestBody;
        if (http.Request.ContentLength is not { } length || length <= limit)
        {
            await next(http);
            return;
        }
        if (length - limit <= Math.Max(limit, LeastDrain)
            && http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
        }
        await Problems.TooLarge().ExecuteAsync(http);
    }

    private static async Task ClaimIdempotencyKey(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<IdempotentEndpoint>() is { } endpoint && Defences.IdempotencyKeys.On
            && await IdempotencyHeader.ReadAsync(http, endpoint) is { } claim)
            http.Features.Set(claim);
        await next(http);
    }
}
