using System.Text.Json;
using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators who did what, and why: the events that people and keys caused, newest first.</summary>
internal static class ListAudit
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/audit", Handle)
        .ForOperators().WithTags("Events")
        .WithSummary("Who did what and why: the events of all modules that people and keys caused, newest first.")
        .WithDescription("Without `userId` it leaves out what members did for themselves, unless `actor` is one of them. `actor` is a kind "
            + "(`operator`, `member`, `api-key`, `command-line`) or a kind with an id, such as `operator:0198...`. `from` and `to` bound "
            + "`recordedtime`; `to` itself is left out.")
        .Produces<GatheredPage<ListEvents.EventView>>();

    private static async Task<IResult> Handle(
        string? actor, string? userId, string? type, string? from, string? to, string? module, [AsParameters] PageQuery page,
        IEnumerable<HostedModule> modules, LogBarrier barrier, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Dictionary<string, long>? below, out var problem))
            return problem!;
        var validation = new Validation();
        Guid? user = null;
        if (userId is not null)
            user = validation.Check(Guid.TryParse(userId, out var id), "userId", "must be an id") ? id : null;
        var who = AuditActor.Read(actor);
        validation.Check(actor is null || who is not null, "actor",
            $"must be {string.Join(", ", AuditActor.Kinds)}, or one of them with a colon and an id");
        var asked = new AuditQuery(who, user, type, Time(from, "from"), Time(to, "to"));
        var logs = modules.Where(hosted => module is null || hosted.Name == module).ToList();
        validation.Check(logs.Count > 0, "module", $"must be one of {string.Join(", ", modules.Select(hosted => hosted.Name))}");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        return TypedResults.Ok(await NewestFirst.ReadAsync(logs, barrier, limit, below, (connection, schema, before) =>
            AuditBack.ReadAsync(connection, schema, before, limit + 1, asked, ct), ct));

        DateTime? Time(string? text, string field)
        {
            if (text is null)
                return null;
            var time = Json.ReadTime(JsonSerializer.SerializeToElement(text));
            validation.Check(time is not null, field, Json.TimeRule);
            return time?.UtcDateTime;
        }
    }
}
