using System.Text.Json;
using Boon.Platform.Access;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Boon.Platform.Rules;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators every type of events that there is, and what it can trigger.</summary>
internal static class ListEventTypes
{
    /// <summary>A type of events.</summary>
    /// <param name="Type">Its name with the version.</param>
    /// <param name="Module">The module whose log holds them.</param>
    /// <param name="Triggers">What they can trigger: <c>campaigns</c>, <c>quests</c>. Empty: they concern no user.</param>
    /// <param name="Members">Members of the data, for <c>when</c>; of events of other systems they are not known.</param>
    /// <param name="Sample">Made-up data; none for events of other systems.</param>
    /// <example>
    /// {"type": "identity.user-signed-in.v1", "module": "identity", "triggers": ["campaigns", "quests"], "members": [], "sample":
    /// {"userId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "first": true, "number": 1}}
    /// </example>
    internal sealed record EventTypeView(
        string Type, string Module, string[] Triggers, IReadOnlyList<EventMember> Members, JsonElement? Sample);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/event-types", Handle)
        .ForOperators().WithTags("Events")
        .WithSummary("Every type of events by name, with its members, a sample, and whether it can trigger campaigns and quests.")
        .WithDescription("A type of another system (`external.*`) is listed once it was reported.")
        .Produces<GatheredPage<EventTypeView>>();

    private static async Task<IResult> Handle(
        [AsParameters] PageQuery page, EventTypes all, IEnumerable<TriggerUse> uses, LogPlaces places, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out string? after, out var problem))
            return problem!;
        var own = all.All.Select(type =>
            new EventTypeView(type.Name, type.Module, type.HasUser ? Uses(type.Module) : [], type.Members, type.Sample));
        var reported = (await ReportedTypes.ListAsync(places.OfProcess(ReportedTypes.Module), after ?? "", limit + 1, ct))
            .Select(type => new EventTypeView(type, ReportedTypes.Module, Uses(ReportedTypes.Module), [], null));
        var types = own.Concat(reported).Where(view => string.CompareOrdinal(view.Type, after) > 0)
            .OrderBy(view => view.Type, StringComparer.Ordinal).Take(limit + 1).ToList();
        return TypedResults.Ok(GatheredPage<EventTypeView>.Of(PageQuery.Page(types, limit, view => view.Type)));

        string[] Uses(string module) => [.. uses.Where(use => use.Module != module).Select(use => use.Rules)];
    }
}
