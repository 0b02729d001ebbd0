using Boon.Platform.PrivatePostgres;

namespace Boon.Bench;

/// <summary>
/// The PostgreSQL that the benches use: the one in <c>ConnectionStrings__Boon</c>, else a private one in a temporary folder.
/// </summary>
internal sealed class BenchServer(string connectionString, PrivatePostgres? server, string? folder) : IAsyncDisposable
{
    internal string ConnectionString => connectionString;

    internal static async Task<BenchServer> StartAsync(CancellationToken ct)
    {
        if (Environment.GetEnvironmentVariable("ConnectionStrings__Boon") is { Length: > 0 } own)
            return new BenchServer(own, null, null);
        var temporary = TemporaryFolder();
        var started = await PrivatePostgres.StartAsync(new PrivatePostgresOptions(temporary, null), Console.WriteLine, ct);
        await AllowCheckpointsAsync(started, ct);
        return new BenchServer(started.ConnectionString, started, temporary);
    }

    /// <summary>Measurements begin with a checkpoint, for which Boon itself never asks.</summary>
    private static async Task AllowCheckpointsAsync(PrivatePostgres server, CancellationToken ct)
    {
        await using var connection = new Npgsql.NpgsqlConnection(server.AdministratorConnectionString);
        await connection.OpenAsync(ct);
        await using var command = new Npgsql.NpgsqlCommand("grant pg_checkpoint to boon", connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A new folder that other users of this machine may enter: a private PostgreSQL may run as one of them.</summary>
    internal static string TemporaryFolder() =>
        Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "boon-bench-" + Guid.CreateVersion7().ToString("N"))).FullName;

    /// <summary>
    /// CPU of all PostgreSQL processes of this machine (Linux): user and system ticks, a hundredth of a second each, of
    /// <c>/proc/PID/stat</c>.
    /// </summary>
    internal static TimeSpan PostgresCpu()
    {
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
            try
            {
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                if (!stat.Contains("(postgres)", StringComparison.Ordinal))
                    continue;
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // it has just ended
            }
        return TimeSpan.FromSeconds(ticks / 100.0);
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        if (folder is not null)
            Directory.Delete(folder, recursive: true);
    }
}
