using Boon.Platform.Data;
using Npgsql;

namespace Boon.Host.Demo;

/// <summary>
/// A fresh database for one run of the demo, dropped at its end; what runs that were killed left behind is dropped first.
/// </summary>
internal sealed class DemoDatabase : IAsyncDisposable
{
    private const string Prefix = "boon_demo_";
    private readonly string server;
    private readonly string name;

    private DemoDatabase(string server, string name)
    {
        this.server = server;
        this.name = name;
    }

    internal string ConnectionString => new NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = true }.ConnectionString;

    internal static async Task<DemoDatabase> CreateAsync(string server, CancellationToken ct)
    {
        server = new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString;
        await using var source = Source(server);
        await using var connection = await source.OpenConnectionAsync(ct);
        // The names grow with time: one of the last minute may be another demo's that has not connected yet.
        var aMinuteAgo = Prefix + Guid.CreateVersion7(TimeProvider.System.GetUtcNow().AddMinutes(-1)).ToString("N");
        var stale = await connection.Command($"""
            select datname
            from pg_database d
            where datname like '{Prefix}%'
              and datname < $1
              and not exists (select from pg_stat_activity a where a.datname = d.datname)
            """, aMinuteAgo)
            .ReadAllAsync(row => row.GetString(0), ct);
        foreach (var database in stale)
            await connection.Command($"drop database if exists {database}").ExecuteAsync(ct);
        var fresh = Prefix + OrderedId.New().ToString("N");
        await connection.Command($"create database {fresh}").ExecuteAsync(ct);
        return new DemoDatabase(server, fresh);
    }

    /// <summary>It has a name: metrics would call it after its connection string.</summary>
    private static NpgsqlDataSource Source(string server) => new NpgsqlDataSourceBuilder(server) { Name = "demo" }.Build();

    public async ValueTask DisposeAsync()
    {
        await using var source = Source(server);
        await using var connection = await source.OpenConnectionAsync();
        await DropDatabase.RunAsync(connection, name, CancellationToken.None);
    }
}
