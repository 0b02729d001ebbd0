using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Hosting;

/// <summary>
/// What every answer tells browsers and caches: not to guess its type, not to keep what is somebody's, and for the one page of Boon's own
/// what it may load. Nothing else here is a page: it loads nothing, and stands in no frame.
/// </summary>
internal static class SafeHeaders
{
    private const string Docs = "/docs";

    /// <summary>Swagger UI sets styles from its script; everything that it loads comes from here.</summary>
    private const string DocsPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            + "connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string NoPagePolicy = "default-src 'none'; frame-ancestors 'none'";

    internal static Task AddAsync(HttpContext http, RequestDelegate next)
    {
        // When the answer starts: an error clears what was set before it.
        http.Response.OnStarting(Set, http);
        return next(http);
    }

    private static Task Set(object state)
    {
        var http = (HttpContext)state;
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        // Tokens, keys and people's things. What may be kept says so itself.
        if (headers.CacheControl.Count == 0 && http.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase))
            headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments(Docs, StringComparison.OrdinalIgnoreCase)
            ? DocsPolicy : NoPagePolicy;
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        return Task.CompletedTask;
    }
}
