using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>What a reader remembers of a log, beside its place in it: enough to see later whether it is still that log.</summary>
/// <param name="LogId">The log's id; null: not known, or of no interest because the log and its reader are in one database and restored as
/// one.</param>
/// <param name="Sequence">An event that was read; null: none.</param>
/// <param name="EventId">That event's id.</param>
public sealed record LogMark(Guid? LogId, long? Sequence, Guid? EventId);

/// <summary>A log is not the one that its reader has read: it was restored to an earlier state, or exchanged.</summary>
internal sealed class LogDivergedException(string source, string what)
    : Exception($"The log of {source} is not the one that was read here: {what}. After its restore: boon log accept-epoch {source} [--from "
        + $"SEQUENCE]");

/// <summary>A log as it was when it was looked at.</summary>
/// <param name="Head">The last sequence.</param>
/// <param name="LogId">Its id; another one after a restore into another cluster, and after <c>boon log new-epoch</c>.</param>
/// <param name="HeadEvent">The id of the last event; null in an empty log.</param>
/// <param name="MarkedEvent">The id of the event that a reader's mark names; null when it is not there.</param>
internal sealed record LogState(long Head, Guid? LogId, Guid? HeadEvent, Guid? MarkedEvent)
{
    /// <summary>Asks for it in a round trip.</summary>
    internal static SqlAnswer<LogState> Ask(RoundTrip trip, string schema, LogMark? mark) =>
        trip.Add($"""
            select h.last, h.logid, (
                    select l.id
                    from {schema}.event_order o
                    join {schema}.event_log l on l.position = o.position
                    where o.sequence = h.last), (
                    select l.id
                    from {schema}.event_order o
                    join {schema}.event_log l on l.position = o.position
                    where o.sequence = $1)
            from {LogHead.Of(schema)} h
            """, mark?.Sequence)
            .First(Read);

    /// <summary>Reads the four columns.</summary>
    internal static LogState Read(NpgsqlDataReader row) =>
        new(row.GetInt64(0), row.GetNullable<Guid>(1), row.GetNullable<Guid>(2), row.GetNullable<Guid>(3));

    internal static async Task<LogState> ReadAsync(NpgsqlConnection connection, string schema, LogMark? mark, CancellationToken ct)
    {
        var trip = new RoundTrip(connection);
        var state = Ask(trip, schema, mark);
        await trip.RunAsync(ct);
        return state.Value!;
    }

    /// <summary>
    /// Why a reader that stands after a sequence must not go on; null when this is the log that it has read. A copy that ends before it is
    /// still being filled, and says nothing yet.
    /// </summary>
    internal string? Difference(LogPlace place, long after, LogMark mark)
    {
        var compared = place.Compared(mark);
        return Head < after ? place.IsCopy ? null : $"it ends at {Head}, and was read up to {after}"
            : compared.Sequence is { } read && MarkedEvent != compared.EventId ? $"another event has the sequence {read}"
            : compared.LogId is { } known && LogId != known ? $"its id is {LogId}, and was {known}"
            : null;
    }
}
