namespace Boon.Platform.Data;

/// <summary>A module's place in PostgreSQL: its schema, named like the module, and the pool of the database that holds it.</summary>
/// <param name="Module">The module's name, which is its schema too: lower-case letters only.</param>
/// <param name="Source">The connection pool; modules with one connection string share one pool.</param>
public sealed record ModuleDatabase(string Module, NpgsqlDataSource Source)
{
    /// <summary>Knows when the database is away.</summary>
    public Outages Outages { get; init; } = new(Microsoft.Extensions.Logging.Abstractions.NullLogger<Outages>.Instance);

    /// <summary>The module's schema.</summary>
    public string Schema => Module;
}

/// <summary>The database of the module whose tables <typeparamref name="TContext"/> maps.</summary>
public sealed class ModuleDatabase<TContext>(ModuleDatabase database)
    where TContext : DbContext
{
    /// <summary>The module's schema and pool.</summary>
    public ModuleDatabase Database { get; } = database;
}
