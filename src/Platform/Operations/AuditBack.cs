using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Operations;

/// <summary>Who is asked for: a kind of actors, or one of them.</summary>
/// <param name="Kind">The kind, as the <c>by</c> of events begins.</param>
/// <param name="Id">The id of one; null: all of the kind.</param>
internal sealed record AuditActor(string Kind, Guid? Id)
{
    /// <summary>The kinds that the audit knows: people and keys.</summary>
    internal static IReadOnlyList<string> Kinds { get; } = [Role.Operator, Role.Member, Role.ApiKey, Actor.CommandLine];

    /// <summary>Reads <c>operator</c> or <c>operator:ID</c>; null if it is neither.</summary>
    internal static AuditActor? Read(string? text)
    {
        var (kind, id) = text?.Split(':', 2) switch { [var one] => (one, null), [var one, var other] => (one, other), _ => ("", null) };
        if (!Kinds.Contains(kind, StringComparer.Ordinal))
            return null;
        return id is null ? new(kind, null) : kind != Actor.CommandLine && Guid.TryParse(id, out var actor) ? new(kind, actor) : null;
    }

    /// <summary>Each <c>by</c> of them stands from here on,</summary>
    internal string First => Id is null && Kind != Actor.CommandLine ? $"{Kind}:" : Id is null ? Kind : $"{Kind}:{Id}";

    /// <summary>and before this: bytes are compared, and no <c>by</c> has one below <c>-</c>.</summary>
    internal string End => Id is null && Kind != Actor.CommandLine ? $"{Kind};" : First + " ";

    /// <summary>The member whose own acts are meant too; null when no single member is asked for.</summary>
    internal Guid? Member => Kind == Role.Member ? Id : null;
}

/// <summary>What of the audit is asked for.</summary>
/// <param name="Actor">Who did it; null: anybody.</param>
/// <param name="User">Whom it concerns; null: anybody and nobody.</param>
/// <param name="Type">What happened, in all versions or one; null: anything.</param>
/// <param name="From">Not what was recorded before this.</param>
/// <param name="To">Only what was recorded before this.</param>
internal sealed record AuditQuery(AuditActor? Actor, Guid? User, string? Type, DateTime? From, DateTime? To);

/// <summary>
/// Reads what people and keys did, newest first, in the order in which it was written. What concerns one user is found by that user. All
/// else is found by who did it, in an index that leaves out what members do for themselves: however long the log, an actor who did little
/// costs little.
/// </summary>
internal static class AuditBack
{
    /// <summary>Beyond every <c>by</c>.</summary>
    private const string Last = "~";

    /// <summary>Actors of a module that are looked at: operators and keys, and members who act on others.</summary>
    private const int MostActors = 10_000;

    internal static Task<List<LoggedEvent>> ReadAsync(
        NpgsqlConnection connection, string schema, long before, int limit, AuditQuery asked, CancellationToken ct) =>
        connection.Command(
            asked.User is null ? OfActors(schema, asked) : OfUser(schema, asked), before, limit, asked.Actor?.First ?? "",
            asked.Actor?.End ?? Last, asked.User ?? asked.Actor?.Member, asked.Type, asked.From, asked.To)
            .ReadAllAsync(row => EventReader.Read(row, schema), ct);

    private static string OfUser(string schema, AuditQuery asked) => $"""
        select o.sequence, {EventReader.Columns}
        from {schema}.event_log l
        join {schema}.event_order o on o.position = l.position
        where l.userid = $5 and l.position < {EventsBack.Before(schema)}
            and l.by not in ('{Actor.System}', '{Actor.Anonymous}')
            and l.by collate "C" >= $3 and l.by collate "C" < $4
            {Filters(asked)}
        order by l.position desc
        limit $2
        """;

    /// <summary>Who did anything is found by skipping through the index from one actor to the next; then each gives the newest.</summary>
    private static string OfActors(string schema, AuditQuery asked) => $"""
        with recursive actor (by) as (
            (select l.by collate "C"
            from {schema}.event_log l
            where {EventLogSchema.ActedOnOthers("l.")} and l.by collate "C" >= $3 and l.by collate "C" < $4
            order by l.by collate "C"
            limit 1)
            union all
            select (
                select l.by collate "C"
                from {schema}.event_log l
                where {EventLogSchema.ActedOnOthers("l.")} and l.by collate "C" > a.by and l.by collate "C" < $4
                order by l.by collate "C"
                limit 1)
            from actor a
            where a.by is not null
        ), found as (
            select e.position
            from (select by from actor where by is not null limit {MostActors}) a
            cross join lateral (
                select l.position
                from {schema}.event_log l
                join {schema}.event_order o on o.position = l.position
                where {EventLogSchema.ActedOnOthers("l.")} and l.by collate "C" = a.by and l.position < {EventsBack.Before(schema)}
                    {Filters(asked)}
                order by l.position desc
                limit $2) e
            {(asked.Actor?.Member is null ? "" : $"union all ({OwnActs(schema, asked)})")}
        ), newest as (
            select f.position
            from found f
            order by f.position desc
            limit $2
        )
        select o.sequence, {EventReader.Columns}
        from newest n
        join {schema}.event_order o on o.position = n.position
        join {schema}.event_log l on l.position = n.position
        order by n.position desc
        """;

    /// <summary>What a member did for themselves.</summary>
    private static string OwnActs(string schema, AuditQuery asked) => $"""
        select l.position
        from {schema}.event_log l
        join {schema}.event_order o on o.position = l.position
        where l.userid = $5 and l.by = $3 and l.position < {EventsBack.Before(schema)}
            {Filters(asked)}
        order by l.position desc
        limit $2
        """;

    private static string Filters(AuditQuery asked) => $"""
        {(asked.Type is null ? "" : $"and {EventsBack.IsOfType("$6")}")}
        {(asked.From is null ? "" : "and o.recordedat >= $7")}
        {(asked.To is null ? "" : "and o.recordedat < $8")}
        """;
}
