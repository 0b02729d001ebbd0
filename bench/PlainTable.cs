using NpgsqlTypes;

namespace Boon.Bench;

/// <summary>
/// The limit of <c>subscription</c>: the columns of an event log in a plain table, written by as many connections and read by one.
/// </summary>
internal sealed class PlainTable(NpgsqlDataSource source) : IAsyncDisposable
{
    private const int PageSize = 500;
    private const int Columns = 6;

    private static readonly NpgsqlDbType[] Types =
        [NpgsqlDbType.Uuid, NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Json, NpgsqlDbType.Uuid];

    private static readonly string InsertSql =
        "insert into public.plain_log (id, aggregatetype, aggregateid, type, payload, userid) values "
        + string.Join(", ", Enumerable.Range(0, SubscriptionBench.PerTransaction)
            .Select(row => "(" + string.Join(", ", Enumerable.Range(1, Columns).Select(column => $"${(row * Columns) + column}")) + ")"));

    internal static async Task<PlainTable> CreateAsync(string connectionString, CancellationToken ct)
    {
        var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 4, AutoPrepareMinUsages = 2 }.ConnectionString);
        await using var create = source.CreateCommand("""
            create table public.plain_log (
                position bigint generated always as identity primary key, id uuid not null, aggregatetype text not null,
                    aggregateid text not null,
                type text not null, payload json not null, userid uuid, time timestamptz not null default now(), traceparent text,
                    causationid uuid)
            """);
        await create.ExecuteNonQueryAsync(ct);
        return new PlainTable(source);
    }

    /// <summary>Empties the table and inserts the events, a transaction for each hundred, each one multi-row statement.</summary>
    internal async Task InsertAsync(List<BenchEvent> events, CancellationToken ct)
    {
        await using (var empty = source.CreateCommand("truncate public.plain_log restart identity"))
            await empty.ExecuteNonQueryAsync(ct);
        await SubscriptionBench.WriteAsync(events, async (chunk, ct) =>
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await using var insert = new NpgsqlCommand(InsertSql, connection);
            foreach (var e in chunk)
                foreach (var (value, type) in (
                    (object[])[Guid.CreateVersion7(), BenchEvent.AggregateType, e.UserId.ToString(), BenchEvent.Type, e.Payload, e.UserId])
                    .Zip(Types))
                    insert.Parameters.Add(new() { Value = value, NpgsqlDbType = type });
            await insert.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
        }, ct);
    }

    /// <summary>Reads everything back, page by page, each page after the last row of the one before.</summary>
    internal async Task ReadAsync(int expected, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
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
                _ = (reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetGuid(5),
                    reader.GetFieldValue<byte[]>(6), reader.GetDateTime(7));
            }
        }
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
