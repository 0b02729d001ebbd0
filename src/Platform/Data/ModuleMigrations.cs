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
            await LockAsync(connection, "select pg_advisory_lock($1)", ct);
        try
        {
            var pending = await PendingAsync(connection, ct);
            if (pending.Count == 0)
                return pending;
            await using (var schema = new NpgsqlCommand($"create schema if not exists {database.Database.Schema}", connection))
                await schema.ExecuteNonQueryAsync(ct);
            await using var context = ModuleContext.Create<TContext>(connection);
            await context.Database.MigrateAsync(ct);
            return pending;
        }
        finally
        {
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

    private async Task LockAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        var key = BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes("boon:migrations:" + Module)));
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = key } }, CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }
}
