using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Hosting;

/// <summary>
/// CORS: which web pages of other origins may call. Callers are known by their token and never by a cookie, so no credentials are allowed.
/// </summary>
internal static class CrossOrigin
{
    private static readonly TimeSpan PreflightKept = TimeSpan.FromHours(1);

    internal static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var origins = Settings.OriginsOf(configuration).ToArray();
        if (origins.Length > 0)
            services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
                .WithOrigins(origins)
                .WithMethods("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
                .WithHeaders(
                    "Authorization", "Boon-Reason", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer",
                    "traceparent", "tracestate")
                .WithExposedHeaders("ETag", "Idempotent-Replayed", "Location", "Preference-Applied", "Retry-After")
                .SetPreflightMaxAge(PreflightKept)));
    }

    internal static void Use(WebApplication app)
    {
        if (Settings.OriginsOf(app.Configuration).Any())
            app.UseCors();
    }
}
