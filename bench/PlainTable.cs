using System.Text;
using NpgsqlTypes;

namespace Boon.Bench;

/// <summary>The limit of <c>subscription</c>: the columns of an event log in a plain table, written and read by one connection.</summary>
internal sealed class PlainTable(NpgsqlConnection connection) : IAsyncDisposable
{
    private const int PageSize = 500;
    internal static async Task<PlainTable> CreateAsync(string connectionString, CancellationToken ct)
    {
        var open = new NpgsqlConnection(connectionString);
        await open.OpenAsync(ct);
        await using var create = new NpgsqlCommand("""
            create table public.plain_log (
                position bigint generated always as identity primary key, id uuid not null, aggregatetype text not null, aggregateid text not null,
                type text not null, payload json not null, userid uuid, time timestamptz not null default now(), traceparent text, causationid uuid)
            """, open);
        await create.ExecuteNonQueryAsync(ct);
        return new PlainTable(open);
    }

    /// <summary>Empties the table and inserts the events, a transaction for each hundred, each one multi-row statement.</summary>
    internal async Task InsertAsync(List<BenchEvent> events, CancellationToken ct)
    {
        await using (var empty = new NpgsqlCommand("truncate public.plain_log restart identity", connection))
            await empty.ExecuteNonQueryAsync(ct);
        const int columns = 6;
        var sql = new StringBuilder("insert into public.plain_log (id, aggregatetype, aggregateid, type, payload, userid) values ");
        await using var insert = new NpgsqlCommand { Connection = connection };
        NpgsqlDbType[] types = [NpgsqlDbType.Uuid, NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Json, NpgsqlDbType.Uuid];
        for (var row = 0; row < SubscriptionBench.PerTransaction; row++)
        {
            var at = row * columns;
            sql.Append(row == 0 ? "" : ", ").Append($"(${at + 1}, ${at + 2}, ${at + 3}, ${at + 4}, ${at + 5}, ${at + 6})");
            foreach (var type in types)
                insert.Parameters.Add(new() { NpgsqlDbType = type });
        }
        insert.CommandText = sql.ToString();
        await insert.PrepareAsync(ct);
        foreach (var chunk in events.Chunk(SubscriptionBench.PerTransaction))
        {
            var at = 0;
            foreach (var e in chunk)
                foreach (var value in (ReadOnlySpan<object>)[Guid.CreateVersion7(), BenchEvent.AggregateType, e.UserId.ToString(), BenchEvent.Type, e.Payload, e.UserId])
                    insert.Parameters[at++].Value = value;
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await insert.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
        }
    }

    /// <summary>Reads everything back, page by page, each page after the last row of the one before.</summary>
    internal async Task ReadAsync(int expected, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand($"""
            select position, id, type, aggregatetype, aggregateid, userid, payload, time
            from public.plain_log where position > $1 order by position limit {PageSize}
            """, connection)
        { Parameters = { new() { NpgsqlDbType = NpgsqlDbType.Bigint } } };
        await read.PrepareAsync(ct);
        var last = 0L;
        var rows = 0;
        while (rows < expected)
        {
            read.Parameters[0].Value = last;
            await using var reader = await read.ExecuteReaderAsync(ct);
            for (; await reader.ReadAsync(ct); rows++)
            {
                last = reader.GetInt64(0);
                _ = (reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetGuid(5), reader.GetFieldValue<byte[]>(6), reader.GetDateTime(7));
            }
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
