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
        var stale = new List<string>();
        await using (var find = new NpgsqlCommand($"""
            select datname from pg_database d
            where datname like '{Prefix}%' and datname < $1 and not exists (select from pg_stat_activity a where a.datname = d.datname)
            """, connection)
        // The names grow with time: one of the last minute may be another demo's that has not connected yet.
        { Parameters = { new() { Value = Prefix + Guid.CreateVersion7(TimeProvider.System.GetUtcNow().AddMinutes(-1)).ToString("N") } } })
        await using (var reader = await find.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                stale.Add(reader.GetString(0));
        foreach (var database in stale)
            await ExecuteAsync(connection, $"drop database if exists {database}", ct);
        var fresh = Prefix + Guid.CreateVersion7().ToString("N");
        await ExecuteAsync(connection, $"create database {fresh}", ct);
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

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
