using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Boon.Platform.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Boon.Platform.Operations;

/// <summary>
/// What processes of other modules ask about a log of this one: where it ends, before they create a rule; and the log itself, for a copy
/// that starts late. <see cref="ModuleClient"/> asks.
/// </summary>
internal static class LogsForServices
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/internal/logs/{module}/settle", SettleAsync).ForServices();
        routes.MapGet("/internal/logs/{module}", DownloadAsync).ForServices();
    }

    private static async Task<IResult> SettleAsync(
        string module, IEnumerable<HostedModule> modules, LogBarrier barrier, CancellationToken ct)
    {
        if (modules.FirstOrDefault(hosted => hosted.Name == module) is not { } log)
            return Problems.NotFound("log");
        await barrier.SettleAsync(module, ct);
        return TypedResults.Ok(await log.Database.Command($"select h.last, h.logid from {LogHead.Of(log.Database.Schema)} h")
            .ReadOneAsync(row => new SettledLog(row.GetInt64(0), row.GetGuid(1)), ct));
    }

    private static Task<IResult> DownloadAsync(
        string module, string? after, HttpContext http, IEnumerable<HostedModule> modules, LogBarrier barrier,
        EventTypes types, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, CancellationToken ct) =>
        DownloadLog.AnswerAsync(module, after, http, modules, barrier, json, e => e.WithoutPersonal(types), ct);
}
