using System.Text.Json;

namespace Boon.Gateway.Gathering;

/// <summary>The modules by name, each as a process that the gateway sends its requests to sees it.</summary>
internal sealed class GatheredSystem(Gatherer gatherer)
{
    internal async Task AnswerAsync(HttpContext http)
    {
        using var parts = await gatherer.AskAsync(http);
        if (parts is null)
            return;
        var modules = parts.Pages
            .SelectMany(part => part.Page.GetProperty("data").EnumerateArray()
                .Where(module => part.Backend.Modules.Contains(NameOf(module), StringComparer.Ordinal)))
            .OrderBy(NameOf, StringComparer.Ordinal).ToList();
        await Gatherer.WriteAsync(http, modules, next: null, parts.Unavailable);
    }

    private static string NameOf(JsonElement module) => module.GetProperty("module").GetString()!;
}
