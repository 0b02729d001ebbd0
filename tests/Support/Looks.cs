using System.Collections.Concurrent;
using Npgsql;

namespace Boon.Support;

/// <summary>
/// Looks into databases, with connections that are kept: a test that waits looks often, and to connect costs more than to look.
/// </summary>
internal sealed class Looks : IAsyncDisposable
{
    /// <summary>More than the looks of a test that are under way at the same time.</summary>
    private const int Connections = 20;

    private readonly ConcurrentDictionary<string, NpgsqlDataSource> sources = new(StringComparer.Ordinal);

    /// <summary>The value that a statement answers.</summary>
    internal async Task<T> ScalarAsync<T>(string database, string sql, object[] values)
    {
        var source = sources.GetOrAdd(database, of => NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServer.ForTest(of)) { Pooling = true, MaxPoolSize = Connections }.ConnectionString));
        for (var first = true; ; first = false)
            try
            {
                await using var command = source.CreateCommand(sql);
                foreach (var value in values)
                    command.Parameters.Add(new() { Value = value });
                return (T)(await command.ExecuteScalarAsync())!;
            }
            catch (NpgsqlException error) when (first && IsLost(error))
            {
                source.Clear();
            }
    }

    /// <summary>True where the connection had been ended since the last look, as a test does that restores a database.</summary>
    private static bool IsLost(NpgsqlException error) => error is not PostgresException { SqlState: not PostgresErrorCodes.AdminShutdown };

    public async ValueTask DisposeAsync()
    {
        foreach (var source in sources.Values)
            await source.DisposeAsync();
    }
}
