using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Data;

/// <summary>
/// Finds each module's database: <c>ConnectionStrings:{Module}</c> if set, else <c>ConnectionStrings:Boon</c>.
/// (With neither, the host starts a private PostgreSQL and sets <c>ConnectionStrings:Boon</c> to it before this is built.)
/// </summary>
public sealed class Databases : IAsyncDisposable
{
    /// <summary>
    /// A session that is idle inside a transaction for longer is ended by the server, so a frozen holder loses its locks. Below the
    /// take-over limit of 15 s. Only test hosts that nobody freezes have another limit, because a busy machine freezes them for a while.
    /// </summary>
    public static TimeSpan IdleInTransactionLimit { get; internal set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What a request's statement takes at most, waiting for locks included. Only test hosts, which hold locks for as long as a busy
    /// machine needs, have another limit.
    /// </summary>
    public static TimeSpan RequestStatementLimit { get; internal set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// What a statement of a lane or of other background work takes at most: a batch that needs longer is made smaller. Npgsql's own limit
    /// of 30 s stands behind it.
    /// </summary>
    public static readonly TimeSpan BackgroundStatementLimit = TimeSpan.FromSeconds(20);

    /// <summary>For a transaction whose statements may take as long as they need: a whole table, a migration.</summary>
    public const string NoStatementLimit = "set local statement_timeout = 0";

    private readonly IConfiguration configuration;
    private readonly ILoggerFactory loggers;
    private readonly IReadOnlyList<LaneConnections> lanes;
    private readonly ConcurrentDictionary<string, ModuleDatabase> modules = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DatabasePools> pools = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    /// <summary>Databases of whatever asks for them, without lanes.</summary>
    public Databases(IConfiguration configuration, ILoggerFactory loggers)
        : this(configuration, loggers, [])
    {
    }

    /// <summary>The modules whose databases are in use.</summary>
    internal IReadOnlyCollection<ModuleDatabase> All => [.. modules.Values];

    internal Databases(IConfiguration configuration, ILoggerFactory loggers, IEnumerable<LaneConnections> lanes) =>
        (this.configuration, this.loggers, this.lanes, Outages) =
            (configuration, loggers, [.. lanes], new(loggers.CreateLogger<Outages>()));

    /// <summary>Those of them that are away.</summary>
    public Outages Outages { get; }

    /// <summary>
    /// Takes note of a failure where no pool is known; false when it may be of one database among several, or says nothing about a database
    /// as a whole.
    /// </summary>
    internal bool NoteOutage(Exception error) => pools.Count == 1 && Outages.Note(pools.Values.First().Background, error);

    /// <summary>The database of a module, hosted here or not.</summary>
    public ModuleDatabase Of(string module) => modules.GetOrAdd(module, name =>
    {
        var pool = PoolsOf(name);
        return new ModuleDatabase(name, pool.Requests, pool.Background) { Outages = Outages };
    });

    /// <summary>The databases that are in use, each once: the pool of the work behind requests.</summary>
    public IReadOnlyCollection<NpgsqlDataSource> BackgroundPools => [.. pools.Values.Select(pool => pool.Background)];

    /// <summary>The loops of the work on one of them.</summary>
    internal Loops LoopsOf(NpgsqlDataSource pool) => new(pool, Outages);

    /// <summary>The most connections of this process to the database of a pool.</summary>
    internal int SizeOf(NpgsqlDataSource pool) => pools.Values.First(both => both.Background == pool || both.Requests == pool).Size;

    /// <summary>
    /// The connection that always waits has broken: idle ones of requests may be dead too, and nobody shall find out with a request.
    /// </summary>
    internal void ListenerBroke(NpgsqlDataSource pool) => pools.Values.First(both => both.Background == pool).Requests.Clear();

    /// <summary>True when two modules share a database, so that one statement can read of both.</summary>
    internal bool AreTogether(string module, string other) =>
        TextOf(configuration, module) is { } text && text == TextOf(configuration, other);

    private DatabasePools PoolsOf(string module)
    {
        var text = TextOf(configuration, module) 
            ?? throw new SetupException($"No database for module '{module}': set ConnectionStrings__Boon.");
        lock (gate)
            return pools.GetOrAdd(text, connection =>
                new DatabasePools(
                    string.IsNullOrEmpty(configuration.GetConnectionString(module))
                    ? "boon" : module, connection, LanesOn(connection), loggers));
    }

    /// <summary>The connection string of a module; null: it is not known here.</summary>
    public static string? TextOf(IConfiguration configuration, string module) =>
        configuration.GetConnectionString(module) ?? configuration.GetConnectionString("Boon");

    /// <summary>The lanes of this process that take connections to a database.</summary>
    private int LanesOn(string connection) => lanes
        .Where(one => TextOf(configuration, one.Module) == connection
            || one.Sources.Any(source => TextOf(configuration, source) == connection))
        .Sum(one => one.Lanes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Outages.Dispose();
        foreach (var pool in pools.Values)
            await pool.DisposeAsync();
    }
}
