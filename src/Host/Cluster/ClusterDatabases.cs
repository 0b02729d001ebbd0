using Boon.Platform.Data;
using Boon.Platform.PrivatePostgres;
using Npgsql;

namespace Boon.Host.Cluster;

/// <summary>The PostgreSQL of a cluster, and the databases in it.</summary>
internal sealed class ClusterDatabases(ClusterFolder folder, string? binaries, int port = 0)
{
    /// <summary>Seconds after which a server is slow.</summary>
    private const int LongestLook = 5;

    private PrivatePostgresOptions Options(int connections) =>
        new(folder.Database, binaries) { Connections = connections, Port = port };

    /// <summary>
    /// Starts the server if it does not run, with room for all processes, and makes the databases that are missing. Answers the connection
    /// string of each, and the folder of the server. By TCP: its port stays when the server is started anew.
    /// </summary>
    /// <param name="names">The databases.</param>
    /// <param name="size">The connections.</param>
    /// <param name="inUse">True while a process of the cluster runs: then the server is not started anew for a greater number.</param>
    /// <param name="say">Told what takes time.</param>
    /// <param name="ct">Ends the wait.</param>
    internal async Task<(IReadOnlyDictionary<string, string> Texts, string Home)> EnsureAsync(
        IReadOnlyList<string> names, ClusterSize size, bool inUse, Action<string> say, CancellationToken ct)
    {
        var server = await PrivatePostgres.StartAsync(Options(size.All), say, ct);
        if (!inUse && await AllowedAsync(server, ct) < size.All)
        {
            await server.DisposeAsync();
            server = await PrivatePostgres.StartAsync(Options(size.All), say, ct);
        }
        var kept = false;
        try
        {
            size.Check(await AllowedAsync(server, ct));
            await using var source = Source(server);
            await using var connection = await source.OpenConnectionAsync(ct);
            foreach (var name in names)
                if (!await connection.Command("select exists (select from pg_database where datname = $1)", name).ScalarAsync<bool>(ct))
                    await connection.Command($"create database {name}").ExecuteAsync(ct);
            kept = true;
            return (names.ToDictionary(name => name, name => new NpgsqlConnectionStringBuilder(server.ConnectionString)
                { Host = "127.0.0.1", Database = name, MaxPoolSize = size.Pool }.ConnectionString), server.ClusterDirectory);
        }
        finally
        {
            if (kept || inUse)
                await server.LeaveRunningAsync();
            else
                await server.DisposeAsync();
        }
    }

    /// <summary>Stops the server, if it runs.</summary>
    internal Task StopAsync() => Directory.Exists(folder.Database) ? PrivatePostgres.StopAsync(Options(0)) : Task.CompletedTask;

    /// <summary>How many connections there are and may be; null when it does not answer.</summary>
    internal static async Task<(int Open, int Most)?> ConnectionsAsync(string text, CancellationToken ct)
    {
        try
        {
            var quick = new NpgsqlConnectionStringBuilder(text) { Pooling = false, Timeout = LongestLook, CommandTimeout = LongestLook };
            await using var source = new NpgsqlDataSourceBuilder(quick.ConnectionString) { Name = "cluster" }.Build();
            await using var connection = await source.OpenConnectionAsync(ct);
            return (await connection.Command("select count(*)::int from pg_stat_activity where backend_type = 'client backend'")
                .ScalarAsync<int>(ct), await connection.Command("select current_setting('max_connections')::int").ScalarAsync<int>(ct));
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    private static async Task<int> AllowedAsync(PrivatePostgres server, CancellationToken ct)
    {
        await using var source = Source(server);
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.Command("select current_setting('max_connections')::int").ScalarAsync<int>(ct);
    }

    private static NpgsqlDataSource Source(PrivatePostgres server)
    {
        var text = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Pooling = false };
        return new NpgsqlDataSourceBuilder(text.ConnectionString) { Name = "cluster" }.Build();
    }
}
