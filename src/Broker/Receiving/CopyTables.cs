using System.Text;
using Boon.Contracts;
using Boon.Platform.Data;

namespace Boon.Broker.Receiving;

/// <summary>Reads and writes the tables of a copy.</summary>
internal sealed class CopyTables(LogPlace copy, LogSignals signals)
{
    private readonly string schema = copy.Schema;

    /// <summary>
    /// Writes events and what was received in one statement, if the copy still is as it was read. So whatever dies when, the copy holds
    /// exactly the events up to its head, and the place in the stream is that of the last of them or before.
    /// </summary>
    private readonly string write = $"""
        with head as (
            update {copy.Schema}.log_head
            set last = $1, recordedat = $2, logid = $3
            where last = $4 and logid is not distinct from $5
            returning 1
        ), place as (
            update {copy.Schema}.received
            set stream = $6, stream_offset = $7, source_head = $8, trouble = null
            where exists (select from head)
        )
        insert into {copy.Schema}.event_log
            (position, id, aggregatetype, aggregateid, type, payload, userid, time, recordedat, traceparent, causationid, by,
            reason)
        select e.position, e.id, e.aggregatetype, e.aggregateid, e.type, e.payload::json, e.userid, e.time, e.recordedat, e.traceparent,
            e.causationid, e.by, e.reason
        from head
        cross join unnest($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
            e (position, id, aggregatetype, aggregateid, type, payload, userid, time, recordedat, traceparent, causationid, by, reason)
        """;

    /// <summary>How far the copy is.</summary>
    internal Task<CopyState> ReadAsync(NpgsqlConnection connection, CancellationToken ct) => connection.Command($"""
        select h.last, h.logid, r.stream, r.stream_offset, r.offered_logid, r.trouble, clock_timestamp() - r.current_at
        from {schema}.log_head h, {schema}.received r
        """)
        .ReadOneAsync(row => new CopyState(
            row.GetInt64(0), row.GetNullable<Guid>(1), row.GetNullable<Guid>(2), row.GetInt64(3), row.GetNullable<Guid>(4),
            row.GetNullable<string>(5), row.GetNullable<TimeSpan>(6)), ct);

    /// <summary>The first of these events in whose place the copy has another one; null: it has all of them.</summary>
    internal async Task<long?> DifferentAsync(NpgsqlConnection connection, List<LoggedEvent> known, CancellationToken ct) =>
        await connection.Command($"""
            select min(k.sequence)
            from unnest($1, $2) k (sequence, id)
            left join {schema}.event_log l on l.position = k.sequence
            where l.id is distinct from k.id
            """, known.Column(e => e.Sequence), known.Column(e => e.Id))
            .ScalarAsync<long?>(ct);

    /// <summary>
    /// Writes events that follow the last one of a state, and erases what one of them says is erased; who reads the copy is woken.
    /// </summary>
    internal async Task WriteAsync(
        NpgsqlConnection connection, CopyState from, Guid logId, IReadOnlyList<LoggedEvent> events, Guid? stream, long offset,
        long sourceHead, CancellationToken ct)
    {
        if (!BrokerDefences.CopyAtOnce.On)
            await PlaceAsync(connection, stream, offset, sourceHead, current: false, ct);
        FaultPoints.Reach("receive");
        var erased = events.Where(e => e.Type == ReportsErased.Name).Select(e => e.UserId!.Value).Distinct().ToArray();
        await using var transaction = erased.Length > 0 ? await connection.BeginTransactionAsync(ct) : null;
        var written = await connection.Command(
            write, events[^1].Sequence, events[^1].RecordedAt, logId, from.Last, from.LogId, stream, offset, sourceHead,
            events.Column(e => e.Sequence), events.Column(e => e.Id), events.Column(e => e.AggregateType),
            events.Column(e => e.AggregateId), events.Column(e => e.Type), events.Column(e => Encoding.UTF8.GetString(e.Payload)),
            events.Column(e => e.UserId), events.Column(e => e.Time), events.Column(e => e.RecordedAt), events.Column(e => e.TraceParent),
            events.Column(e => e.CausationId), events.Column(e => e.By), events.Column(e => e.Reason))
            .ExecuteAsync(ct);
        if (written != events.Count)
            throw new InvalidOperationException($"The copy of {copy.Source} was changed meanwhile.");
        if (transaction is not null)
        {
            if (BrokerDefences.ErasedCopies.On)
                await connection.Command(ReportedData.Erase(schema), erased).ExecuteAsync(ct);
            await transaction.CommitAsync(ct);
        }
        CopyMetrics.Received(copy.Source, events.Count);
        signals.Sequenced(copy.Source, copy.Database.Background);
    }

    /// <summary>
    /// Moves the place in the stream behind messages that bring no event, and says whether the copy holds all that its source has.
    /// </summary>
    internal Task<int> PlaceAsync(
        NpgsqlConnection connection, Guid? stream, long offset, long sourceHead, bool current, CancellationToken ct) =>
        connection.Command($"""
            update {schema}.received
            set stream = $1, stream_offset = $2, source_head = $3,
                current_at = case when $4 then clock_timestamp() else current_at end, trouble = case when $4 then null else trouble end
            """, stream, offset, sourceHead, current)
            .ExecuteAsync(ct);

    /// <summary>Says what is wrong; with the id of another log, nothing more is received until that is accepted.</summary>
    internal Task<int> TroubleAsync(NpgsqlConnection connection, string trouble, Guid? offered, CancellationToken ct) => connection.Command(
        $"update {schema}.received set trouble = $1, offered_logid = $2", trouble, offered).ExecuteAsync(ct);

    /// <summary>Passes what is missing, which only a test without <see cref="BrokerDefences.GapStops"/> does.</summary>
    internal Task<int> SkipToAsync(NpgsqlConnection connection, long sequence, CancellationToken ct) => connection.Command(
        $"update {schema}.log_head set last = $1 - 1 where last < $1 - 1", sequence).ExecuteAsync(ct);
}
