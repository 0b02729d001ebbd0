using System.Reflection;
using Microsoft.EntityFrameworkCore.Migrations;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Boon.Platform.Data;

/// <summary>A module's migrations, for <c>boon migrate</c> and the host's start.</summary>
public abstract class ModuleMigrations
{
    /// <summary>The module's name.</summary>
    public abstract string Module { get; }

    /// <summary>The names of the migrations that the database lacks, in order.</summary>
    public abstract Task<IReadOnlyList<string>> PendingAsync(CancellationToken ct);

    /// <summary>
    /// Applies what is missing, in order, each once. Processes that start together take turns by an advisory lock: the first
    /// one migrates, the others wait and find nothing to do. Answers the names that this call applied.
    /// </summary>
    public abstract Task<IReadOnlyList<string>> ApplyAsync(CancellationToken ct);
}

/// <inheritdoc/>
public sealed class ModuleMigrations<TContext>(ModuleDatabase<TContext> database) : ModuleMigrations
    where TContext : DbContext
{
    /// <summary>
    /// From one try for the lock to the next. Whoever waits inside a statement holds a snapshot, for which an index that is made concurrently would wait: both would wait for ever.
    /// </summary>
    private static readonly TimeSpan TurnPoll = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public override string Module => database.Database.Module;

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> PendingAsync(CancellationToken ct)
    {
        await using var connection = await database.Database.Source.OpenConnectionAsync(ct);
        return await PendingAsync(connection, ct);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken ct)
    {
        await using var connection = await database.Database.Source.OpenConnectionAsync(ct);
        if (Defences.MigrationLock)
            while (!await LockAsync(connection, "select pg_try_advisory_lock($1)", ct))
                await Task.Delay(TurnPoll, ct);
        try
        {
            await ExecuteAsync(connection, "set statement_timeout = 0", ct);
            var pending = await PendingAsync(connection, ct);
            if (pending.Count == 0)
                return pending;
            await ExecuteAsync(connection, $"create schema if not exists {database.Database.Schema}", ct);
            await using var context = ModuleContext.Create<TContext>(connection);
            context.Database.SetCommandTimeout(0); // a large table takes its time
            await context.Database.MigrateAsync(ct);
            return pending;
        }
        finally
        {
            await ExecuteAsync(connection, "reset statement_timeout", CancellationToken.None);
            if (Defences.MigrationLock)
                await LockAsync(connection, "select pg_advisory_unlock($1)", CancellationToken.None);
        }
    }

    /// <summary>The module's migrations that its history lacks, without EF Core: at nearly every start there are none, and EF Core would take most of that start.</summary>
    private async Task<IReadOnlyList<string>> PendingAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var all = typeof(TContext).Assembly.GetTypes().Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>().Order(StringComparer.Ordinal);
        var applied = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await using var command = new NpgsqlCommand($"select \"MigrationId\" from {database.Database.Schema}.{ModuleContext.HistoryTable}", connection);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                applied.Add(reader.GetString(0));
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            // nothing was ever applied
        }
        return [.. all.Where(id => !applied.Contains(id))];
    }

    private async Task<bool> LockAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        var key = BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes("boon:migrations:" + Module)));
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = key } }, CommandTimeout = 0 };
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
