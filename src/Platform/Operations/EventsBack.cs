using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Operations;

/// <summary>
/// Reads a log newest first: all of it in the order of its sequence; what one user did, or of one type, in the order in which it was
/// written, by an index for each, so that the rarest type of a long log costs no more than the commonest. Both orders differ by events that
/// were under way at the same moment.
/// </summary>
internal static class EventsBack
{
    /// <summary>Versions of a type that are asked for at once.</summary>
    private const int MostVersions = 100;

    /// <summary>
    /// Reads at most <paramref name="limit"/> events that come in the order asked for before the one of a sequence, of one type (in all its
    /// versions, or in the one that it ends with) and user or any.
    /// </summary>
    internal static Task<List<LoggedEvent>> ReadAsync(
        NpgsqlConnection connection, string schema, long before, int limit, string? type, Guid? user, CancellationToken ct)
    {
        var statement = user is not null ? OfUser(schema, type) : type is not null ? OfType(schema) : All(schema);
        return connection.Command(statement, before, limit, user, type).ReadAllAsync(row => EventReader.Read(row, schema), ct);
    }

    private static string All(string schema) => $"""
        select o.sequence, {EventReader.Columns}
        from {schema}.event_order o
        {EventReader.Event(schema)}
        where o.sequence < $1
        order by o.sequence desc
        limit $2
        """;

    /// <summary>The place of the event with the sequence of the cursor; without one, behind all.</summary>
    internal static string Before(string schema) =>
        $"coalesce((select c.position from {schema}.event_order c where c.sequence = $1), {long.MaxValue})";

    /// <summary>True for an event of a type, in all its versions or in the one that the type ends with.</summary>
    internal static string IsOfType(string type) =>
        $"(l.type = {type} or (starts_with(l.type, {type} || '.v') and substr(l.type, length({type}) + 3) ~ '^[0-9]+$'))";

    private static string OfUser(string schema, string? type) => $"""
        select o.sequence, {EventReader.Columns}
        from {schema}.event_log l
        join {schema}.event_order o on o.position = l.position
        where l.userid = $3 and l.position < {Before(schema)}
        {(type is null ? "" : $"and {IsOfType("$4")}")}
        order by l.position desc
        limit $2
        """;

    /// <summary>The versions are found by skipping through the index from one type to the next; then each gives its newest.</summary>
    private static string OfType(string schema) => $"""
        with recursive version (type) as (
            (select l.type collate "C"
            from {schema}.event_log l
            where l.type collate "C" >= $4 || '.v' and l.type collate "C" < $4 || '.w'
            order by l.type collate "C"
            limit 1)
            union all
            select (
                select l.type collate "C"
                from {schema}.event_log l
                where l.type collate "C" > v.type and l.type collate "C" < $4 || '.w'
                order by l.type collate "C"
                limit 1)
            from version v
            where v.type is not null
        ), wanted (type) as (
            select $4
            union all
            (select v.type
            from version v
            where substr(v.type, length($4) + 3) ~ '^[0-9]+$'
            limit {MostVersions})
        ), newest as (
            select e.position
            from wanted w
            cross join lateral (
                select l.position
                from {schema}.event_log l
                where l.type collate "C" = w.type and l.position < {Before(schema)}
                    and exists (select from {schema}.event_order o where o.position = l.position)
                order by l.position desc
                limit $2) e
            order by e.position desc
            limit $2
        )
        select o.sequence, {EventReader.Columns}
        from newest n
        join {schema}.event_order o on o.position = n.position
        join {schema}.event_log l on l.position = n.position
        order by n.position desc
        """;
}
