using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Boon.Bench;

/// <summary>The limit of <c>start</c>: an ASP.NET Core host that has nothing to do. Runs in a process of its own.</summary>
internal static class EmptyHost
{
    internal const string Verb = "empty-host";

    internal static async Task<int> RunAsync(string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        await using var app = builder.Build();
        app.MapGet("/health/ready", () => "ready");
        await app.RunAsync();
        return 0;
    }
}
