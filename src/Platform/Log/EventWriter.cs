using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// Writes events into a module's log, inside the caller's transaction. They have no sequence yet: the sequencer gives it after the commit.
/// </summary>
internal static class EventWriter
{
    /// <summary>
    /// One statement, however many they are: it is cheaper than COPY, and a process that freezes while it sends holds what others wait for
    /// no longer than it must.
    /// </summary>
    internal static async Task AppendAsync(NpgsqlConnection connection, string schema, List<PendingEvent> events, CancellationToken ct)
    {
        await connection.Command($"""
            insert into {schema}.event_log (id, aggregatetype, aggregateid, type, payload, userid, traceparent, causationid, by, time,
                reason)
            select id, aggregatetype, aggregateid, type, payload::json, userid, traceparent, causationid, by, coalesce(time, now()),
                reason
            from unnest(
                $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::text[],
                $10::timestamptz[], $11::text[]) with ordinality
                as e (id, aggregatetype, aggregateid, type, payload, userid, traceparent, causationid, by, time, reason, place)
            order by place
            """,
            events.Column(e => e.Id), events.Column(e => e.AggregateType), events.Column(e => e.AggregateId), events.Column(e => e.Type),
            events.Column(e => e.Payload), events.Column(e => e.UserId), events.Column(e => e.TraceParent),
            events.Column(e => e.CausationId),
            events.Column(e => e.By), events.Column(e => e.Time), events.Column(e => e.Because))
            .ExecuteAsync(ct);
    }
}
