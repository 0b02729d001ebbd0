using Microsoft.EntityFrameworkCore.Migrations;

namespace Boon.Platform.Data;

/// <summary>Changes of tables that may be large and are in use while a migration runs.</summary>
public static class LargeTables
{
    /// <summary>How long a change of a table waits for its lock, while everybody who comes after waits behind it.</summary>
    internal const string LockPatience = "2s";

    /// <summary>
    /// Makes an index while everybody goes on writing, in a migration of its own: it is no part of a transaction. What an attempt left that
    /// was killed is made anew.
    /// </summary>
    /// <param name="migration">The migration.</param>
    /// <param name="schema">The schema of the table.</param>
    /// <param name="index">The name of the index.</param>
    /// <param name="on">The table, with its schema, and the rest: <c>identity.users (created_at) where erased_at is null</c>.</param>
    public static void CreateIndexWhileOthersWrite(this MigrationBuilder migration, string schema, string index, string on)
    {
        foreach (var statement in Index(schema, index, on))
            migration.Sql(statement, suppressTransaction: true);
    }

    /// <summary>
    /// The statements for that, each outside of a transaction. They wait for transactions that are open now, holding nothing that others
    /// wait for: with all patience.
    /// </summary>
    internal static string[] Index(string schema, string index, string on) =>
    [
        "set lock_timeout = 0",
        $"drop index concurrently if exists {schema}.{index}",
        $"create index concurrently {index} on {on}",
        $"set lock_timeout = '{LockPatience}'",
    ];
}
