using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Data;

/// <summary>
/// Finds each module's database: <c>ConnectionStrings:{Module}</c> if set, else <c>ConnectionStrings:Boon</c>.
/// (With neither, the host starts a private PostgreSQL and sets <c>ConnectionStrings:Boon</c> to it before this is built.)
/// </summary>
public sealed class Databases(IConfiguration configuration, ILoggerFactory loggers) : IAsyncDisposable
{
    /// <summary>A session that is idle inside a transaction for longer is ended by the server, so a frozen holder loses its locks. Below the take-over limit of 15 s.</summary>
    public static readonly TimeSpan IdleInTransactionLimit = TimeSpan.FromSeconds(10);

    /// <summary>Connections of one process to one database, unless the connection string says otherwise.</summary>
    public const int DefaultPoolSize = 40;

    private const int NpgsqlDefaultPoolSize = 100;

    /// <summary>
    /// Statements go by their indexes, row by row, whatever the planner believes: a log or a pool grows faster than its statistics, and a plan made when a table
    /// was small (a scan, a sort or a hash of all of it) is kept while it grows. For the same reason nothing is compiled; and where indexes decide, a plan for these
    /// very values is the plan for any: a prepared statement is planned once for a connection.
    /// </summary>
    private const string PlansByIndex = "-c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c max_parallel_workers_per_gather=0 -c plan_cache_mode=force_generic_plan";

    private readonly ConcurrentDictionary<string, ModuleDatabase> modules = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, NpgsqlDataSource> pools = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    /// <summary>The database of a module, hosted here or not.</summary>
    public ModuleDatabase Of(string module) => modules.GetOrAdd(module, name => new ModuleDatabase(name, Pool(name)) { Outages = Outages });

    /// <summary>Those of them that are away.</summary>
    public Outages Outages { get; } = new(loggers.CreateLogger<Outages>());

    /// <summary>Takes note of a failure where no pool is known; false when it may be of one database among several, or says nothing about a database as a whole.</summary>
    internal bool NoteOutage(Exception error) => pools.Count == 1 && Outages.Note(pools.Values.First(), error);

    /// <summary>The modules whose databases are in use.</summary>
    internal IReadOnlyCollection<ModuleDatabase> All => [.. modules.Values];

    /// <summary>The distinct pools that are in use.</summary>
    public IReadOnlyCollection<NpgsqlDataSource> Pools => [.. pools.Values];

    /// <summary>True when two modules share a database, so that one statement can read of both.</summary>
    internal bool AreTogether(string module, string other) => ReferenceEquals(Of(module).Source, Of(other).Source);

    /// <summary>Reads another module's log: on the reader's own connection where both are in one database, else on one of the source's.</summary>
    internal async Task<T> ReadAsync<T>(NpgsqlConnection own, ModuleDatabase reader, string source, Func<NpgsqlConnection, string, Task<T>> read)
    {
        var from = Of(source);
        if (ReferenceEquals(from.Source, reader.Source))
            return await read(own, from.Schema);
        await using var connection = await from.Source.OpenConnectionAsync();
        return await read(connection, from.Schema);
    }

    private NpgsqlDataSource Pool(string module)
    {
        var text = configuration.GetConnectionString(module) ?? configuration.GetConnectionString("Boon")
            ?? throw new SetupException($"No database for module '{module}': set ConnectionStrings__Boon.");
        lock (gate)
            return pools.GetOrAdd(WithSessionSettings(text), connection =>
                new NpgsqlDataSourceBuilder(connection).UseLoggerFactory(loggers).Build());
    }

    private static string WithSessionSettings(string text)
    {
        var builder = new NpgsqlConnectionStringBuilder(text);
        if (builder.MaxPoolSize == NpgsqlDefaultPoolSize)
            builder.MaxPoolSize = DefaultPoolSize;
        if (string.IsNullOrEmpty(builder.ApplicationName))
            builder.ApplicationName = "boon";
        builder.Pooling = true;
        // Room for the statements of all modules: what does not fit is planned again and again.
        builder.MaxAutoPrepare = 256;
        // Nothing outlives a transaction (set local, on commit drop) but advisory locks, which are given back: a returned connection needs no cleaning.
        builder.NoResetOnClose = true;
        builder.AutoPrepareMinUsages = 2;
        var idle = Defences.IdleTransactionTimeout ? (long)IdleInTransactionLimit.TotalMilliseconds : 0;
        builder.Options = $"{builder.Options} {PlansByIndex} -c idle_in_transaction_session_timeout={idle} -c TimeZone=UTC".Trim();
        return builder.ConnectionString;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Outages.Dispose();
        foreach (var pool in pools.Values)
            await pool.DisposeAsync();
    }
}
