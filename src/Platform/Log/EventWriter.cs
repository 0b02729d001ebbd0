namespace Boon.Platform.Log;

/// <summary>Writes events into a module's log, inside the caller's transaction. They have no sequence yet: the sequencer gives it after the commit.</summary>
internal static class EventWriter
{
    /// <summary>From this many events on, COPY is cheaper than one INSERT with arrays (measured in bench).</summary>
    private const int CopyFrom = 32;

    internal static Task AppendAsync(NpgsqlConnection connection, string schema, List<PendingEvent> events, CancellationToken ct) =>
        events.Count < CopyFrom || events.Exists(e => e.Time is null != events[0].Time is null) ? InsertAsync(connection, schema, events, ct) : CopyAsync(connection, schema, events, ct);

    private static async Task InsertAsync(NpgsqlConnection connection, string schema, List<PendingEvent> events, CancellationToken ct)
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

    private static async Task CopyAsync(NpgsqlConnection connection, string schema, List<PendingEvent> events, CancellationToken ct)
    {
        // COPY has no default for single rows: all of them say when they happened, or none does.
        var timed = events[0].Time is not null;
        await using var copy = await connection.BeginBinaryImportAsync(
            $"copy {schema}.event_log (id, aggregatetype, aggregateid, type, payload, userid, traceparent, causationid, by{(timed ? ", time" : "")}) from stdin (format binary)", ct);
        foreach (var e in events)
        {
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(e.Id, NpgsqlDbType.Uuid, ct);
            await copy.WriteAsync(e.AggregateType, NpgsqlDbType.Text, ct);
            await copy.WriteAsync(e.AggregateId, NpgsqlDbType.Text, ct);
            await copy.WriteAsync(e.Type, NpgsqlDbType.Text, ct);
            await copy.WriteAsync(e.Payload, NpgsqlDbType.Json, ct);
            await WriteOrNullAsync(copy, e.UserId, NpgsqlDbType.Uuid, ct);
            await WriteOrNullAsync(copy, e.TraceParent, ct);
            await WriteOrNullAsync(copy, e.CausationId, NpgsqlDbType.Uuid, ct);
            await WriteOrNullAsync(copy, e.By, ct);
            if (timed)
                await copy.WriteAsync(e.Time!.Value, NpgsqlDbType.TimestampTz, ct);
        }
        await copy.CompleteAsync(ct);
    }

    private static Task WriteOrNullAsync(NpgsqlBinaryImporter copy, string? value, CancellationToken ct) =>
        value is null ? copy.WriteNullAsync(ct) : copy.WriteAsync(value, NpgsqlDbType.Text, ct);

    private static Task WriteOrNullAsync(NpgsqlBinaryImporter copy, Guid? value, NpgsqlDbType type, CancellationToken ct) =>
        value is { } some ? copy.WriteAsync(some, type, ct) : copy.WriteNullAsync(ct);
}
