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
public sealed partial class ModuleMigrations<TContext>(ModuleDatabase<TContext> database, ILogger<ModuleMigrations> logger)
    : ModuleMigrations
    where TContext : DbContext
{
    /// <summary>
    /// What changes a table waits so long for its lock, and everybody who comes after waits behind it. Then it gives way, and tries again:
    /// behind a dump, say, that takes an hour. What it does once it has its locks may take as long as it needs.
    /// </summary>
    private const string Patience = $"set lock_timeout = '{LargeTables.LockPatience}'; set statement_timeout = 0";

    private static readonly TimeSpan GivingWay = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Between two looks whether another process has finished. Who waited inside the database would be waited for by an index that is made
    /// concurrently.
    /// </summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public override string Module => database.Database.Module;

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> PendingAsync(CancellationToken ct)
    {
        await using var connection = await database.Database.Background.OpenConnectionAsync(ct);
        return await PendingAsync(connection, ct);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken ct)
    {
        await using var connection = await database.Database.Background.OpenConnectionAsync(ct);
        while (Defences.MigrationLock.On && !await LockAsync(connection, "select pg_try_advisory_lock($1)", ct))
            await Task.Delay(Turn, ct);
        try
        {
            var pending = await PendingAsync(connection, ct);
            if (pending.Count > 0)
                await ApplyAsync(connection, ct);
            return pending;
        }
        finally
        {
            if (Defences.MigrationLock.On)
                await LockAsync(connection, "select pg_advisory_unlock($1)", CancellationToken.None);
        }
    }

    private async Task ApplyAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await connection.Command(Patience).ExecuteAsync(ct);
        try
        {
            await connection.Command($"create schema if not exists {database.Database.Schema}").ExecuteAsync(ct);
            while (!await TryMigrateAsync(connection, ct))
                await Task.Delay(GivingWay, ct);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
                await connection.Command("reset lock_timeout; reset statement_timeout").ExecuteAsync(CancellationToken.None);
        }
    }

    /// <summary>
    /// Applies what is missing; false when somebody holds a table for longer than the patience: what was applied stays, the rest was
    /// undone.
    /// </summary>
    private async Task<bool> TryMigrateAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var context = ModuleContext.Create<TContext>(connection);
        context.Database.SetCommandTimeout(0);
        try
        {
            await context.Database.MigrateAsync(ct);
            return true;
        }
        catch (Exception error) when (
            (error as PostgresException ?? error.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            LogWaits(logger, Module, GivingWay.TotalSeconds);
            return false;
        }
    }

    /// <summary>
    /// The module's migrations that its history lacks, without EF Core: at nearly every start there are none, and EF Core would take most
    /// of that start.
    /// </summary>
    private async Task<IReadOnlyList<string>> PendingAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var all = typeof(TContext).Assembly.GetTypes().Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>()
            .Order(StringComparer.Ordinal);
        var applied = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await connection.Command($"""
                select "MigrationId"
                from {database.Database.Schema}.{ModuleContext.HistoryTable}
                """)
                .ReadEachAsync(row => applied.Add(row.GetString(0)), ct);
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
        return await connection.Command(sql, key).ScalarAsync<bool>(ct);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "A migration of {Module} needs a table that another session has locked (a dump?); it tries again in {Seconds} s",
        EventName = "migration-waits")]
    private static partial void LogWaits(ILogger logger, string module, double seconds);
}
