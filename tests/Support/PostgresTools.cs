using Boon.Platform.Data;
using Boon.Platform.PrivatePostgres;
using Npgsql;

namespace Boon.Support;

/// <summary>A second PostgreSQL, and what administrators do with databases: dump, restore, copy, exchange.</summary>
public static class PostgresTools
{
    /// <summary>
    /// Makes a PostgreSQL of its own in a folder that its user can reach: a young cluster, whose transaction ids are low.
    /// </summary>
    public static Task<PrivatePostgres> StartAnotherAsync(string folder)
    {
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        return PrivatePostgres.StartAsync(new PrivatePostgresOptions(folder, null), _ => { }, CancellationToken.None);
    }

    /// <summary>Copies a database into another cluster, as pg_dump and pg_restore do.</summary>
    public static async Task DumpAndRestoreAsync(string from, string to)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("boon-dump-").FullName, "dump");
        try
        {
            await RunAsync("pg_dump", ["--format=custom", "--compress=0", $"--file={file}", $"--dbname={Place(from)}"]);
            await RunAsync("pg_restore", ["--no-owner", "--exit-on-error", $"--dbname={Place(to)}", file]);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    /// <summary>Copies a schema into another database, in the place of the one that is there, as pg_dump and psql do.</summary>
    public static async Task CopySchemaAsync(string schema, string from, string to)
    {
        await using (var connection = new NpgsqlConnection(TestServer.ForTest(to)))
        {
            await connection.OpenAsync();
            await ExecuteAsync(connection, $"drop schema if exists {schema} cascade");
        }
        var file = Path.Combine(Directory.CreateTempSubdirectory("boon-dump-").FullName, "dump");
        try
        {
            await RunAsync("pg_dump", ["--no-owner", $"--schema={schema}", $"--file={file}", $"--dbname={Place(from)}"]);
            await RunAsync("psql", ["--quiet", "--set=ON_ERROR_STOP=1", $"--file={file}", $"--dbname={Place(to)}"]);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    /// <summary>
    /// Copies a database within its cluster as it is at this moment; answers the copy. Whoever is connected loses the connection.
    /// </summary>
    public static async Task<string> CopyAsync(string database)
    {
        var name = new NpgsqlConnectionStringBuilder(database).Database;
        var copy = name + "_copy";
        await using var server = await ServerAsync(database);
        await ExecuteAsync(server, $"alter database {name} allow_connections false",
            $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
        await ExecuteRepeatedlyAsync(server, $"create database {copy} template {name}");
        await ExecuteAsync(server, $"alter database {copy} allow_connections true", $"alter database {name} allow_connections true");
        return new NpgsqlConnectionStringBuilder(database) { Database = copy }.ConnectionString;
    }

    /// <summary>Puts a copy in a database's place: a restore to an earlier state.</summary>
    public static async Task PutInPlaceAsync(string copy, string database)
    {
        var (name, replacement) = (new NpgsqlConnectionStringBuilder(database).Database, new NpgsqlConnectionStringBuilder(copy).Database);
        NpgsqlConnection.ClearAllPools();
        await using var server = await ServerAsync(database);
        await DropDatabase.RunAsync(server, name!, CancellationToken.None);
        await ExecuteAsync(server, $"alter database {replacement} rename to {name}");
    }

    private static async Task<NpgsqlConnection> ServerAsync(string database)
    {
        var server = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(database) { Database = "postgres", Pooling = false }.ConnectionString);
        await server.OpenAsync();
        return server;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, params string[] statements)
    {
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>A session that was told to end may need a moment.</summary>
    private static Task ExecuteRepeatedlyAsync(NpgsqlConnection connection, string statement) => Eventually.Holds(statement, async () =>
    {
        try
        {
            await ExecuteAsync(connection, statement);
            return true;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectInUse)
        {
            return false;
        }
    });

    /// <summary>Where a database is, as PostgreSQL's programs read it; the host can be a folder with a socket.</summary>
    private static string Place(string database)
    {
        var parts = new NpgsqlConnectionStringBuilder(database);
        return $"host='{parts.Host}' port={parts.Port} user='{parts.Username}' password='{parts.Password}' dbname='{parts.Database}'";
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        // Where the server's own program is: a folder of links has not all of them.
        var found = new FileInfo(Path.Combine(await PostgresBinaries.FindAsync(null, null, CancellationToken.None), "postgres"));
        var folder = (found.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? found).DirectoryName!;
        await Programs.RunAsync(Path.Combine(folder, program), arguments);
    }
}
