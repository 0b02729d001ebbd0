using Npgsql;

namespace Boon.Support;

/// <summary>A statement in a transaction of the test's own, which holds what it locked until it is disposed.</summary>
public sealed class OpenTransaction : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;

    private OpenTransaction(NpgsqlConnection connection) => this.connection = connection;

    public static Task<OpenTransaction> BeginAsync(TestBoon boon, string sql, params object[] values) =>
        BeginAsync(boon.Database, sql, values);

    /// <summary>The same on a database that no host of this process has.</summary>
    public static async Task<OpenTransaction> BeginAsync(string database, string sql, params object[] values)
    {
        var connection = new NpgsqlConnection(TestServer.ForTest(database));
        await connection.OpenAsync();
        await using (var begin = new NpgsqlCommand("begin", connection))
            await begin.ExecuteNonQueryAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync();
        return new OpenTransaction(connection);
    }

    /// <summary>Makes what it did last; without this, it never happened.</summary>
    public async Task CommitAsync()
    {
        await using var commit = new NpgsqlCommand("commit", connection);
        await commit.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
