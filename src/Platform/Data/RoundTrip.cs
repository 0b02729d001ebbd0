namespace Boon.Platform.Data;

/// <summary>
/// Statements that go to the server together, each with what reads its answer: one wait for all of them.
/// <c>var head = trip.Add("select ... where id = $1", id).First(row => row.GetInt64(0))</c> has its value after <see cref="RunAsync"/>.
/// The answers are read in the order of the statements, so one can use what an earlier one has read.
/// </summary>
public sealed class RoundTrip
{
    private readonly Func<NpgsqlBatch> begin;
    private readonly bool inTransaction;
    private readonly List<SqlStatement> statements = [];

    /// <summary>A round trip to where a module's statements, or those of a unit of work, run.</summary>
    public RoundTrip(ISqlSource source) => (begin, inTransaction) = (source.CreateBatch, source.InTransaction);

    /// <summary>A round trip on an open connection.</summary>
    public RoundTrip(NpgsqlConnection connection) => begin = () => new NpgsqlBatch(connection);

    /// <summary>A round trip in a transaction.</summary>
    public RoundTrip(NpgsqlTransaction transaction)
        : this(transaction.Connection ?? throw new InvalidOperationException("The transaction has ended.")) => inTransaction = true;

    /// <summary>How long it may take; null: as long as the connection string says. Zero: as long as it takes.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Adds a statement with its values.</summary>
    public SqlStatement Add(string sql, params ReadOnlySpan<SqlValue> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(value.Parameter);
        var statement = new SqlStatement(command);
        statements.Add(statement);
        return statement;
    }

    /// <summary>Sends the statements and reads their answers, once. Without statements it does nothing.</summary>
    /// <exception cref="DbUpdateConcurrencyException">A statement did not touch the rows that it must.</exception>
    /// <exception cref="InvalidOperationException">
    /// A statement must touch rows, and no transaction is there to be rolled back if it does not.
    /// </exception>
    public async Task RunAsync(CancellationToken ct)
    {
        if (statements.Count == 0)
            return;
        if (!inTransaction && statements.Find(statement => statement.Must is not null) is { } one)
            throw new InvalidOperationException(
                $"What a statement must touch is asked outside of a transaction: {one.Command.CommandText}");
        await using (var batch = begin())
        {
            foreach (var statement in statements)
                batch.BatchCommands.Add(statement.Command);
            if (Timeout is { } timeout)
                batch.Timeout = (int)timeout.TotalSeconds;
            if (statements.TrueForAll(statement => statement.Read is null))
                await batch.ExecuteNonQueryAsync(ct);
            else
                await ReadAsync(batch, ct);
        }
        foreach (var statement in statements)
            statement.Check();
    }

    private async Task ReadAsync(NpgsqlBatch batch, CancellationToken ct)
    {
        await using var reader = await batch.ExecuteReaderAsync(ct);
        var first = true;
        foreach (var statement in statements)
        {
            // A statement that answers no rows has no result to go to.
            if (statement.Read is not { } read)
                continue;
            if (!first && !await reader.NextResultAsync(ct))
                throw new InvalidOperationException($"A statement whose answer is read has none: {statement.Command.CommandText}");
            first = false;
            while (await reader.ReadAsync(ct))
                read(reader);
        }
        if (await reader.NextResultAsync(ct))
            throw new InvalidOperationException("A statement of a round trip has an answer that nobody reads.");
    }
}

/// <summary>
/// A statement of a round trip. One that answers rows says what reads them, with one of these methods; any other says nothing.
/// </summary>
public sealed class SqlStatement
{
    internal SqlStatement(NpgsqlBatchCommand command) => Command = command;

    internal NpgsqlBatchCommand Command { get; }

    internal Action<NpgsqlDataReader>? Read { get; private set; }

    internal (int Rows, string Otherwise)? Must { get; private set; }

    /// <summary>How many rows it touched; known after the round trip.</summary>
    public int Rows => (int)Command.RecordsAffected;

    /// <summary>Gives each row to <paramref name="read"/>.</summary>
    public SqlStatement Each(Action<NpgsqlDataReader> read)
    {
        Read = read;
        return this;
    }

    /// <summary>Every row; they are there after the round trip.</summary>
    public IReadOnlyList<T> All<T>(Func<NpgsqlDataReader, T> map)
    {
        var rows = new List<T>();
        Read = row => rows.Add(map(row));
        return rows;
    }

    /// <summary>The first row; it is there after the round trip.</summary>
    public SqlAnswer<T> First<T>(Func<NpgsqlDataReader, T> map)
    {
        var answer = new SqlAnswer<T>();
        Read = row =>
        {
            if (!answer.Found)
                answer.Set(map(row));
        };
        return answer;
    }

    /// <summary>The round trip, which is one in a transaction, fails if the statement touches another number of rows.</summary>
    public SqlStatement MustTouch(int rows, string otherwise)
    {
        Must = (rows, otherwise);
        return this;
    }

    internal void Check()
    {
        if (Must is var (rows, otherwise) && Rows != rows)
            throw new DbUpdateConcurrencyException(otherwise);
    }
}

/// <summary>What a statement of a round trip answers.</summary>
public sealed class SqlAnswer<T>
{
    /// <summary>Whether there was a row.</summary>
    public bool Found { get; private set; }

    /// <summary>What the row said; the default without one.</summary>
    public T? Value { get; private set; }

    internal void Set(T value) => (Found, Value) = (true, value);
}
