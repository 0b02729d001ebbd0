using Boon.Host;
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
    private static readonly Lazy<Task<string>> Template = new(MigrateAsync);
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
    public static Task<string> CreateDatabaseAsync() => CreateAsync("");

    /// <summary>
    /// Creates a database that has the migrations of all modules, as <c>boon migrate</c> leaves it: a copy costs far less than migrating.
    /// Its logs have ids of their own.
    /// </summary>
    public static async Task<string> CreateMigratedAsync()
    {
        var database = await CreateAsync($"template {await Template.Value}");
        await ExecuteAsync(database, string.Join(
            ';', BoonHost.AllModules.Select(module => $"update {module.Name}.log_head set logid = gen_random_uuid()")));
        return database;
    }

    /// <summary>Drops a database that <see cref="CreateDatabaseAsync"/> made.</summary>
    public static Task DropDatabaseAsync(string connectionString) =>
        DropAsync(new NpgsqlConnectionStringBuilder(connectionString).Database!);

    private static async Task<string> CreateAsync(string from)
    {
        var server = await Server.Value;
        var name = "test_" + Guid.CreateVersion7().ToString("N");
        await ExecuteAsync(server, $"create database {name} {from}");
        return new NpgsqlConnectionStringBuilder(server)
            { Database = name, MaxPoolSize = 27, CommandTimeout = (int)Eventually.Longest.TotalSeconds }.ConnectionString;
    }

    /// <summary>Migrates a database that nobody uses: this process copies it. Answers its name.</summary>
    private static async Task<string> MigrateAsync()
    {
        var database = await CreateDatabaseAsync();
        var data = Directory.CreateTempSubdirectory("boon-template-").FullName;
        var settings = new Dictionary<string, string?> { ["ConnectionStrings:Boon"] = database, ["Boon:Log:Level"] = "Fatal" };
        await using (var host = await BoonHost.BuildAsync(new HostOptions(data, Settings: settings), CancellationToken.None))
            await host.MigrateAsync(CancellationToken.None);
        Directory.Delete(data, recursive: true);
        return new NpgsqlConnectionStringBuilder(database).Database!;
    }

    private static async Task DropAsync(string name)
    {
        await using var connection = new NpgsqlConnection(ForTest(await Server.Value));
        await connection.OpenAsync();
        await DropDatabase.RunAsync(connection, name, CancellationToken.None);
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(ForTest(database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> StartAsync()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => EndAsync().GetAwaiter().GetResult();
        if (Environment.GetEnvironmentVariable("BOON_TEST_POSTGRES") is { Length: > 0 } given)
            return given;
        var folder = Path.Combine(Checkout.Root, "artifacts", "tests");
        started = await PrivatePostgres.StartAsync(
            new PrivatePostgresOptions(folder, null) { Connections = Connections }, Console.WriteLine, CancellationToken.None);
        // A crash of the machine may take the databases of tests with it: no commit waits for the disk.
        foreach (var sql in (string[])[
            "alter system set fsync = off", "alter system set full_page_writes = off", "select pg_reload_conf()"])
            await ExecuteAsync(started.AdministratorConnectionString, sql);
        return started.ConnectionString;
    }

    private static async Task EndAsync()
    {
        if (Template.IsValueCreated && Template.Value.IsCompletedSuccessfully)
            await DropAsync(await Template.Value);
        if (started is not null)
            await started.DisposeAsync();
    }
}
