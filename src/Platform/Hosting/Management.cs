using Boon.Platform.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Hosting;

/// <summary>
/// <c>Boon:Management:Urls</c>: addresses of their own for <c>/metrics</c> and <c>/health</c>, which then answer nowhere else, and nothing
/// else answers there. So the public address tells nothing.
/// </summary>
internal static class Management
{
    internal static void Use(WebApplication app)
    {
        if (Settings.ManagementUrls.Of(app.Configuration) is not { } urls)
            return;
        HashSet<int>? ports = null;
        app.Use((http, next) =>
        {
            // The host listens on them after its own; which ports they are is known once it listens.
            ports ??= [.. app.Urls.TakeLast(urls.Split(';').Length).Select(url => BindingAddress.Parse(url).Port)];
            return ports.Contains(http.Connection.LocalPort) == IsManagement(http.Request.Path)
                ? next(http)
                : Problems.Of(StatusCodes.Status404NotFound, "not-found", "There is nothing at this address.").ExecuteAsync(http);
        });
    }

    private static bool IsManagement(PathString path) => path.StartsWithSegments("/metrics", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase);
}
