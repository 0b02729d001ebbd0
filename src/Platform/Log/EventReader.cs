using System.Runtime.CompilerServices;
using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>What a read of a log found: events in log order, and how far it looked.</summary>
/// <param name="Events">The events, in log order.</param>
/// <param name="UpTo">Every event at or below this sequence that the reader wants is in <paramref name="Events"/> or before it.</param>
/// <param name="Head">The last sequence in the log when it was read.</param>
/// <param name="Mark">What to remember of the log.</param>
public sealed record LogPage(IReadOnlyList<LoggedEvent> Events, long UpTo, long Head, LogMark Mark);

/// <summary>Reads a module's log by sequence.</summary>
public static class EventReader
{
    /// <summary>Events that are looked at in one statement for those of the wanted types.</summary>
    internal const int MostLookedAt = 20_000;

    private const int PageSize = 1_000;

    private const string Digits = "0123456789";

    internal const string Columns =
        "l.id, l.type, l.aggregatetype, l.aggregateid, l.userid, l.payload, l.time, o.recordedat, l.traceparent, l.causationid, l.by, "
            + "l.reason";

    /// <summary>
    /// The event of each number: <c>offset 0</c> makes the numbers lead, so that a page is read in their order and not found by sorting the
    /// log.
    /// </summary>
    internal static string Event(string schema) =>
        $"cross join lateral (select * from {schema}.event_log e where e.position = o.position offset 0) l";

    /// <summary>
    /// Reads at most <paramref name="limit"/> events after <paramref name="after"/>, in log order, of one lane or all, of some types (in
    /// whatever version: a reader must see one that it does not know) or all. The head is read before the events, so every event up to it
    /// is seen.
    /// </summary>
    /// <remarks>Throws <see cref="LogDivergedException"/> when it is not the log that <paramref name="mark"/> remembers.</remarks>
    public static async Task<LogPage> ReadAsync(
        NpgsqlConnection connection, LogPlace place, long after, int limit, CancellationToken ct,
        int lane = 0, int lanes = 1, long holdAt = long.MaxValue, string[]? types = null, LogMark? mark = null)
    {
        var schema = place.Schema;
        var trip = new RoundTrip(connection);
        var found = Defences.DenseSequence.On
            ? LogState.Ask(trip, schema, mark)
            : trip.Add($"select coalesce(max(position), 0), null::uuid, null::uuid, null::uuid from {schema}.event_log")
                .First(LogState.Read);
        var order = Defences.DenseSequence.Sql(
            $"{schema}.event_order", without: $"(select position as sequence, position, time as recordedat from {schema}.event_log)");
        var events = trip.Add($"""
            select o.sequence, {Columns}
            from {order} o
            {Event(schema)}
            where o.sequence > $1 and o.sequence <= $2
                {(lanes > 1 ? $"and {Lanes.Sql("l.userid")} = $3" : "")}
                {(types is null ? "" : $"and rtrim(l.type, '{Digits}') = any ($5)")}
            order by o.sequence
            limit {limit}
            """, after, holdAt, lane, lanes, types?.Select(type => type.TrimEnd([.. Digits])).ToArray())
            .All(row => Read(row, place.Source));
        await trip.RunAsync(ct);
        var state = found.Value!;
        if (Defences.DenseSequence.On && Defences.Epochs.On && mark is not null && state.Difference(place, after, mark) is { } difference)
            throw new LogDivergedException(place.Source, difference);
        var head = state.Head;
        var end = Math.Max(after, Math.Min(head, holdAt));
        // Events beyond the head that was read first may be here too: they are whole, so they count.
        var upTo = events.Count == limit ? events[^1].Sequence : events.Count > 0 ? Math.Max(end, events[^1].Sequence) : end;
        var remember = upTo == head ? new LogMark(state.LogId, head, state.HeadEvent)
            : events.Count > 0 ? new LogMark(state.LogId, events[^1].Sequence, events[^1].Id)
            : new LogMark(state.LogId, mark?.Sequence, mark?.EventId);
        return new LogPage(events, upTo, Math.Max(head, upTo), remember);
    }

    /// <summary>
    /// Reads all events after <paramref name="after"/> up to <paramref name="upTo"/>, in log order, of some types or all: page by page,
    /// each in a moment of its own, so that however long it takes nothing is held. What is in a log stays as it is.
    /// </summary>
    public static async IAsyncEnumerable<LoggedEvent> ReadAllAsync(
        NpgsqlDataSource source, LogPlace place, long after, long upTo, string[]? types, [EnumeratorCancellation] CancellationToken ct)
    {
        while (after < upTo)
        {
            LogPage page;
            await using (var connection = await source.OpenConnectionAsync(ct))
                page = await ReadAsync(connection, place, after, PageSize, ct, holdAt: Math.Min(upTo, after + MostLookedAt), types: types);
            foreach (var e in page.Events)
                yield return e;
            if (page.UpTo == after)
                yield break;
            after = page.UpTo;
        }
    }

    /// <summary>The last sequence of a log.</summary>
    public static Task<long> HeadAsync(NpgsqlDataSource source, string schema, CancellationToken ct) =>
        source.Command($"select last from {LogHead.Of(schema)} h").ScalarAsync<long>(ct);

    /// <summary>Reads one event by its sequence.</summary>
    public static async Task<LoggedEvent?> ReadOneAsync(
        NpgsqlConnection connection, LogPlace place, long sequence, CancellationToken ct)
    {
        var page = await ReadAsync(connection, place, sequence - 1, 1, ct, holdAt: sequence);
        return page.Events.Count == 1 ? page.Events[0] : null;
    }

    internal static LoggedEvent Read(NpgsqlDataReader row, string source)
    {
        var cause = row.GetNullable<Guid>(10);
        return new(
            source,
            row.GetInt64(0),
            row.GetGuid(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            row.GetNullable<Guid>(5),
            row.GetFieldValue<byte[]>(6),
            row.GetDateTime(7),
            row.GetDateTime(8),
            row.GetNullable<string>(9),
            cause,
            // An effect says which event caused it; that nobody else did needs no place in each row.
            row.GetNullable<string>(11) ?? (cause is null ? null : Actor.System),
            row.GetNullable<string>(12));
    }
}
