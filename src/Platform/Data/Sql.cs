namespace Boon.Platform.Data;

/// <summary>
/// Where statements run: a module's database, each statement on a connection of its own, or a unit of work, in its transaction.
/// </summary>
public interface ISqlSource
{
    /// <summary>A command there, without parameters yet.</summary>
    NpgsqlCommand CreateCommand(string sql);

    /// <summary>An empty batch there.</summary>
    NpgsqlBatch CreateBatch();

    /// <summary>True where statements are part of a transaction that is open: what they did is undone if it was wrong.</summary>
    bool InTransaction { get; }
}

/// <summary>
/// How SQL is written: <c>await unit.Command("update ... where id = $1", id).ExecuteAsync(ct)</c>. The values are the parameters $1, $2,
/// ... in their order. What runs a command ends it too.
/// </summary>
public static class Sql
{
    /// <summary>A statement with its values.</summary>
    public static NpgsqlCommand Command(this ISqlSource source, string sql, params ReadOnlySpan<SqlValue> values) =>
        source.CreateCommand(sql).With(values);

    /// <summary>The same on a pool: a connection of its own.</summary>
    public static NpgsqlCommand Command(this NpgsqlDataSource source, string sql, params ReadOnlySpan<SqlValue> values) =>
        source.CreateCommand(sql).With(values);

    /// <summary>The same on an open connection.</summary>
    public static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, params ReadOnlySpan<SqlValue> values) =>
        new NpgsqlCommand(sql, connection).With(values);

    /// <summary>One column of many rows, as an array: <c>from unnest($1, $2) k (id, amount)</c>.</summary>
    public static SqlValue Column<TRow, T>(this IReadOnlyCollection<TRow> rows, Func<TRow, T> value)
    {
        var column = new T[rows.Count];
        var at = 0;
        foreach (var row in rows)
            column[at++] = value(row);
        return SqlValue.Of(column);
    }

    /// <summary>Lets a command take as long as it takes, for work on whole tables.</summary>
    public static NpgsqlCommand WithoutLimit(this NpgsqlCommand command)
    {
        command.CommandTimeout = 0;
        return command;
    }

    /// <summary>Runs a command; answers how many rows it touched.</summary>
    public static async Task<int> ExecuteAsync(this NpgsqlCommand command, CancellationToken ct)
    {
        await using (command)
            return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// The first column of the first row. With a type that can be null (<c>long?</c>) null where there is no row or no value; with another
    /// that is an error.
    /// </summary>
    public static async Task<T> ScalarAsync<T>(this NpgsqlCommand command, CancellationToken ct)
    {
        await using (command)
            return await command.ExecuteScalarAsync(ct) switch
            {
                null or DBNull when default(T) is null => default!,
                null or DBNull => throw new InvalidOperationException("The statement has no value."),
                var value => (T)value,
            };
    }

    /// <summary>Every row of a command.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using (command)
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            var rows = new List<T>();
            while (await reader.ReadAsync(ct))
                rows.Add(map(reader));
            return rows;
        }
    }

    /// <summary>The first row of a command, or null.</summary>
    public static async Task<T?> ReadFirstAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> map, CancellationToken ct)
        where T : class
    {
        await using (command)
        await using (var reader = await command.ExecuteReaderAsync(ct))
            return await reader.ReadAsync(ct) ? map(reader) : null;
    }

    /// <summary>The row of a command that always has one.</summary>
    public static async Task<T> ReadOneAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using (command)
        await using (var reader = await command.ExecuteReaderAsync(ct))
            return await reader.ReadAsync(ct) ? map(reader) : throw new InvalidOperationException("The statement has no row.");
    }

    /// <summary>Gives each row of a command to <paramref name="read"/>, for what is no list.</summary>
    public static async Task ReadEachAsync(this NpgsqlCommand command, Action<NpgsqlDataReader> read, CancellationToken ct)
    {
        await using (command)
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                read(reader);
    }

    /// <summary>A column that may be null.</summary>
    public static T? GetNullable<T>(this NpgsqlDataReader reader, int column)
        where T : struct => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    private static NpgsqlCommand With(this NpgsqlCommand command, ReadOnlySpan<SqlValue> values)
    {
        foreach (var value in values)
            command.Parameters.Add(value.Parameter);
        return command;
    }
}

/// <summary>The same for types that are classes; the compiler chooses by the type.</summary>
public static class SqlOfClasses
{
    /// <inheritdoc cref="Sql.GetNullable{T}"/>
    public static T? GetNullable<T>(this NpgsqlDataReader reader, int column)
        where T : class => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);
}
