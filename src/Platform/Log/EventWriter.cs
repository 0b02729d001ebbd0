namespace Boon.Platform.Log;

/// <summary>Writes events into a module's log, inside the caller's transaction. They have no sequence yet: the sequencer gives it after the commit.</summary>
internal static class EventWriter
{
    /// <summary>One statement, however many they are: it is cheaper than COPY, and a process that freezes while it sends holds what others wait for no longer than it must.</summary>
    internal static async Task AppendAsync(NpgsqlConnection connection, string schema, List<PendingEvent> events, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            insert into {schema}.event_log (id, aggregatetype, aggregateid, type, payload, userid, traceparent, causationid, by, time)
            select id, aggregatetype, aggregateid, type, payload::json, userid, traceparent, causationid, by, coalesce(time, now())
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], $10::timestamptz[]) with ordinality
                as e (id, aggregatetype, aggregateid, type, payload, userid, traceparent, causationid, by, time, place)
            order by place
            """, connection);
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.Id), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.AggregateType), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.AggregateId), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.Type), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.Payload), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.UserId), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.TraceParent), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.CausationId), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.By), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = events.ConvertAll(e => e.Time), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        await command.ExecuteNonQueryAsync(ct);
    }
}
