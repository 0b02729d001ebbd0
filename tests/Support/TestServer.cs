using Boon.Platform.Data;
using Boon.Platform.PrivatePostgres;
using Npgsql;

namespace Boon.Support;

/// <summary>
/// The PostgreSQL that the tests of this checkout share: <c>BOON_TEST_POSTGRES</c> if set (a connection string), else a private one of
/// Boon's own in the checkout's folder <c>artifacts</c>, which the last test process out stops. Every test class gets databases of its own
/// on it.
/// </summary>
public static class TestServer
{
    private static readonly Lazy<Task<string>> Server = new(StartAsync);
    private static PrivatePostgres? started;

    /// <summary>More than all hosts of a machine with many processors take at once.</summary>
    private const int Connections = 1_000;

    /// <summary>How a test reaches a database besides the host that it tests: with a connection for each statement, and patience.</summary>
    public static string ForTest(string database) => new NpgsqlConnectionStringBuilder(database)
    {
        Pooling = false, CommandTimeout = (int)Eventually.Longest.TotalSeconds, Timeout = (int)Eventually.Longest.TotalSeconds,
    }.ConnectionString;

    /// <summary>The same database by TCP, for a process that does not see this machine's sockets.</summary>
    public static string ByTcp(string database)
    {
        var text = new NpgsqlConnectionStringBuilder(database);
        if (text.Host?.StartsWith('/') == true)
            text.Host = "127.0.0.1";
        return text.ConnectionString;
    }

    /// <summary>Creates an empty database; answers its connection string.</summary>
    public static async Task<string> CreateDatabaseAsync()
    {
        var server = await Server.Value;
        var name = "test_" + Guid.CreateVersion7().ToString("N");
        await using var connection = new NpgsqlConnection(ForTest(server));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(server)
            { Database = name, MaxPoolSize = 25, CommandTimeout = (int)Eventually.Longest.TotalSeconds }.ConnectionString;
    }

    /// <summary>Drops a database that <see cref="CreateDatabaseAsync"/> made.</summary>
    public static async Task DropDatabaseAsync(string connectionString)
    {
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await using var connection = new NpgsqlConnection(ForTest(await Server.Value));
        await connection.OpenAsync();
        await DropDatabase.RunAsync(connection, name!, CancellationToken.None);
    }

    private static async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("BOON_TEST_POSTGRES") is { Length: > 0 } given)
            return given;
        var folder = Path.Combine(Checkout.Root, "artifacts", "tests");
        started = await PrivatePostgres.StartAsync(
            new PrivatePostgresOptions(folder, null) { Connections = Connections }, Console.WriteLine, CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => started.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return started.ConnectionString;
    }
}
