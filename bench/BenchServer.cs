using Boon.Platform.Data;

namespace Boon.Bench;

/// <summary>The PostgreSQL that the benches use: the one in <c>ConnectionStrings__Boon</c>, else a private one in a temporary folder.</summary>
internal sealed class BenchServer(string connectionString, PrivatePostgres? server, string? folder) : IAsyncDisposable
{
    internal string ConnectionString => connectionString;

    internal static async Task<BenchServer> StartAsync(CancellationToken ct)
    {
        if (Environment.GetEnvironmentVariable("ConnectionStrings__Boon") is { Length: > 0 } own)
            return new BenchServer(own, null, null);
        var temporary = TemporaryFolder();
        var started = await PrivatePostgres.StartAsync(new PrivatePostgresOptions(temporary, null), Console.WriteLine, ct);
        return new BenchServer(started.ConnectionString, started, temporary);
    }

    /// <summary>A new folder that other users of this machine may enter: a private PostgreSQL may run as one of them.</summary>
    internal static string TemporaryFolder() =>
        Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "boon-bench-" + Guid.CreateVersion7().ToString("N"))).FullName;

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        if (folder is not null)
            Directory.Delete(folder, recursive: true);
    }
}
