using System.Data.Common;
using Microsoft.EntityFrameworkCore.Design;

namespace Boon.Platform.Data;

/// <summary>
/// The settings that every module's EF Core context shares: its schema for tables and migration history, snake-case is written out in the
/// mappings.
/// </summary>
public static class ModuleContext
{
    /// <summary>The table of a module's applied migrations, in its schema.</summary>
    internal const string HistoryTable = "migrations";

    /// <summary>Makes a context on an open connection, or, at design time, on none.</summary>
    public static TContext Create<TContext>(DbConnection? connection)
        where TContext : DbContext
    {
        var schema = SchemaOf<TContext>();
        var options = new DbContextOptionsBuilder<TContext>();
        if (connection is null)
            options.UseNpgsql(postgres => postgres.MigrationsHistoryTable(HistoryTable, schema));
        else
            options.UseNpgsql(connection, postgres => postgres.MigrationsHistoryTable(HistoryTable, schema));
        return (TContext)Activator.CreateInstance(typeof(TContext), options.Options)!;
    }

    /// <summary>Configures a context on a pool, for reads outside a unit of work: nothing is tracked.</summary>
    public static void ConfigureReads(DbContextOptionsBuilder options, NpgsqlDataSource source, string schema) => options
        .UseNpgsql(source, postgres => postgres.MigrationsHistoryTable(HistoryTable, schema))
        .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking);

    /// <summary>A module's schema: its context's name, <c>IdentityDb</c> to <c>identity</c>.</summary>
    public static string SchemaOf<TContext>() => typeof(TContext).Name.Replace("Db", "", StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>For <c>dotnet ef migrations add</c>: a module's context without a database.</summary>
public abstract class ModuleContextDesign<TContext> : IDesignTimeDbContextFactory<TContext>
    where TContext : DbContext
{
    /// <inheritdoc/>
    public TContext CreateDbContext(string[] args) => ModuleContext.Create<TContext>(connection: null);
}
