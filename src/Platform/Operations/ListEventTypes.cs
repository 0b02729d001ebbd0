using System.Text.Json;
using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Boon.Platform.Rules;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>What events can trigger in this host: a word for its rules, and the modules whose events they take.</summary>
public sealed record TriggerUse(string Rules, IReadOnlyList<string> Sources);

/// <summary>Shows operators every type of events that there is, and what it can trigger.</summary>
internal static class ListEventTypes
{
    /// <summary>A type of events.</summary>
    /// <param name="Type">Its name with the version.</param>
    /// <param name="Module">The module whose log holds them.</param>
    /// <param name="Triggers">What they can trigger: <c>campaigns</c>, <c>quests</c>. Empty: they concern no user.</param>
    /// <param name="Members">Members of the data, for <c>when</c>; of events of other systems they are not known.</param>
    /// <param name="Sample">Made-up data; none for events of other systems.</param>
    internal sealed record EventTypeView(string Type, string Module, string[] Triggers, IReadOnlyList<EventMember> Members, JsonElement? Sample);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/event-types", Handle)
        .ForOperators().WithTags("Events")
        .WithSummary("Every type of events by name, with its members, a sample, and whether it can trigger campaigns and quests.")
        .WithDescription("Those of other systems (`external.*`) are here once one was reported.")
        .Produces<Page<EventTypeView>>();

    private static async Task<IResult> Handle([AsParameters] PageQuery page, IEnumerable<TriggerUse> uses, Databases databases, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out string? after, out var problem))
            return problem!;
        var own = EventTypes.All.Select(type => new EventTypeView(type.Name, type.Module, type.HasUser ? Uses(type.Module) : [], type.Members, type.Sample));
        var reported = (await ReportedTypes.ListAsync(databases, after ?? "", limit + 1, ct)).Select(type => new EventTypeView(type, ReportedTypes.Module, Uses(ReportedTypes.Module), [], null));
        var types = own.Concat(reported).Where(view => string.CompareOrdinal(view.Type, after) > 0).OrderBy(view => view.Type, StringComparer.Ordinal).Take(limit + 1).ToList();
        return TypedResults.Ok(PageQuery.Page(types, limit, view => view.Type));

        string[] Uses(string module) => [.. uses.Where(use => use.Sources.Contains(module)).Select(use => use.Rules)];
    }
}

/// <summary>The types of events that other systems have reported, found by skipping through the index of the log from one to the next.</summary>
public static class ReportedTypes
{
    /// <summary>The module that logs them.</summary>
    internal const string Module = "intake";

    /// <summary>Those after a name, in their order, at most so many.</summary>
    internal static async Task<List<string>> ListAsync(Databases databases, string after, int limit, CancellationToken ct)
    {
        var database = databases.Of(Module);
        var found = new List<string>();
        await using var command = database.Source.CreateCommand($"""
            with recursive seen (type) as (
                (select l.type collate "C" from {database.Schema}.event_log l
                 where l.type collate "C" >= '{EventTypes.External}' and l.type collate "C" < 'external/' and l.type collate "C" > $1
                 order by l.type collate "C" limit 1)
                union all
                select (select l.type collate "C" from {database.Schema}.event_log l
                        where l.type collate "C" > s.type and l.type collate "C" < 'external/' order by l.type collate "C" limit 1)
                from seen s where s.type is not null
            )
            select type from seen where type is not null limit $2
            """);
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                found.Add(reader.GetString(0));
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            // Intake was never started here
        }
        return found;
    }

    /// <summary>What an operator should know of a trigger that was taken: nothing of its name was reported so far, or its events have no such member. Null: nothing.</summary>
    public static async Task<string[]?> WarningsAsync(Databases databases, string trigger, string? when, CancellationToken ct)
    {
        if (!trigger.StartsWith(EventTypes.External, StringComparison.Ordinal))
            return EventTriggers.UnknownMembers(trigger, when) is { Count: > 0 } unknown
                ? [.. unknown.Select(member => $"when names {member}, which {trigger} does not have: it never matches.")] : null;
        var database = databases.Of(Module);
        await using var command = database.Source.CreateCommand($"""
            select exists (select from {database.Schema}.event_log l where l.type collate "C" = $1)
                or exists (select from {database.Schema}.event_log l
                    where l.type collate "C" >= $1 || '.v0' and l.type collate "C" < $1 || '.v:' and substr(l.type, length($1) + 3) ~ '^[0-9]+$')
            """);
        command.Parameters.Add(new() { Value = trigger });
        try
        {
            if (await command.ExecuteScalarAsync(ct) is true)
                return null;
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            // Intake was never started here: nothing was reported
        }
        return [$"No {trigger} was reported so far."];
    }
}
