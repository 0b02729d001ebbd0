namespace Boon.Platform.Data;

/// <summary>A module's place in PostgreSQL: its schema, named like the module, and the pools of the database that holds it.</summary>
/// <param name="Module">The module's name, which is its schema too: lower-case letters only.</param>
/// <param name="Source">The pool of requests; modules with one connection string share one pool.</param>
/// <param name="Background">The pool of the work behind them: requests that take every connection of theirs do not stop it.</param>
public sealed record ModuleDatabase(string Module, NpgsqlDataSource Source, NpgsqlDataSource Background) : ISqlSource
{
    /// <summary>Knows when the database is away.</summary>
    public Outages Outages { get; init; } = new(Microsoft.Extensions.Logging.Abstractions.NullLogger<Outages>.Instance);

    /// <summary>The loops of the work behind requests.</summary>
    public Loops Loops => new(Background, Outages);

    /// <summary>The module's schema.</summary>
    public string Schema => Module;

    /// <summary>The same for work that no request waits for.</summary>
    public ModuleDatabase ForBackground => this with { Source = Background };

    /// <inheritdoc/>
    public NpgsqlCommand CreateCommand(string sql) => Source.CreateCommand(sql);

    /// <inheritdoc/>
    public NpgsqlBatch CreateBatch() => Source.CreateBatch();

    /// <inheritdoc/>
    public bool InTransaction => false;
}

/// <summary>The database of the module whose tables <typeparamref name="TContext"/> maps.</summary>
public sealed class ModuleDatabase<TContext>(ModuleDatabase database) : ISqlSource
    where TContext : DbContext
{
    /// <summary>The module's schema and pools.</summary>
    public ModuleDatabase Database { get; } = database;

    /// <inheritdoc cref="ModuleDatabase.ForBackground"/>
    public ModuleDatabase<TContext> ForBackground => new(Database.ForBackground);

    /// <inheritdoc/>
    public NpgsqlCommand CreateCommand(string sql) => Database.CreateCommand(sql);

    /// <inheritdoc/>
    public NpgsqlBatch CreateBatch() => Database.CreateBatch();

    /// <inheritdoc/>
    public bool InTransaction => false;
}
