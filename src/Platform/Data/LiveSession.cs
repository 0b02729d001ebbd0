using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Boon.Platform.Data;

/// <summary>
/// A lock that one process has at a time, and the connection that holds it: whoever has it works on that connection. The server ends a
/// session that says nothing for <see cref="Databases.IdleInTransactionLimit"/>, whether in a transaction or outside of one. So a process
/// that freezes loses the lock, and when it wakes its session is gone and it can write nothing.
/// </summary>
public sealed class LiveSession : IAsyncDisposable
{
    /// <summary>The holder says so often that it lives.</summary>
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(2);

    private long signed = Stopwatch.GetTimestamp();

    private LiveSession(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The connection; for the holder's own work only.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Takes the lock of a name; null when another session has it.</summary>
    public static async Task<LiveSession?> TryTakeAsync(NpgsqlDataSource pool, string name, CancellationToken ct)
    {
        var key = BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        var connection = await pool.OpenConnectionAsync(ct);
        try
        {
            if (await connection.Command("select pg_try_advisory_lock($1)", key).ScalarAsync<bool>(ct))
            {
                var limit = Databases.IdleInTransactionLimit.TotalMilliseconds;
                await connection.Command($"set idle_session_timeout = {limit}").ExecuteAsync(ct);
                return new LiveSession(connection);
            }
        }
        catch
        {
            await ReturnAsync(connection);
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Waits for something that has nothing to do with the database, and keeps the lock meanwhile.</summary>
    public async Task<T> WaitAsync<T>(Task<T> other, CancellationToken ct)
    {
        await KeepAsync(other, ct);
        return await other;
    }

    /// <inheritdoc cref="WaitAsync{T}"/>
    public async Task WaitAsync(Task other, CancellationToken ct)
    {
        await KeepAsync(other, ct);
        await other;
    }

    private async Task KeepAsync(Task other, CancellationToken ct)
    {
        while (!other.IsCompleted)
        {
            // Many short waits are a long one too.
            if (Stopwatch.GetElapsedTime(signed) >= SignOfLife)
            {
                await Connection.Command("select").ExecuteAsync(ct);
                signed = Stopwatch.GetTimestamp();
            }
            await other.WaitAsync(SignOfLife, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Gives the lock back.</summary>
    public async ValueTask DisposeAsync() => await ReturnAsync(Connection);

    private static async Task ReturnAsync(NpgsqlConnection connection)
    {
        try
        {
            if (connection.State == System.Data.ConnectionState.Open)
                await connection.Command("select pg_advisory_unlock_all(); reset all").ExecuteAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is NpgsqlException or IOException or InvalidOperationException)
        {
            NpgsqlConnection.ClearPool(connection); // the session is gone, and its lock with it
        }
        await connection.DisposeAsync();
    }
}
