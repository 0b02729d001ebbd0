namespace Boon.Platform.Data;

/// <summary>Drops a database although somebody is connected to it.</summary>
public static class DropDatabase
{
    /// <summary>
    /// Ends this role's sessions on a database, and drops it if it exists. A plain drop waits for what is ending, and ends an autovacuum
    /// worker by itself; <c>drop database … with (force)</c> is refused (42501) to a role that is no superuser while such a worker is at
    /// work.
    /// </summary>
    /// <param name="server">An open connection to another database of the server.</param>
    /// <param name="name">The database.</param>
    /// <param name="ct">Ends the wait.</param>
    public static async Task RunAsync(NpgsqlConnection server, string name, CancellationToken ct)
    {
        await server.Command("""
            select pg_terminate_backend(pid)
            from pg_stat_activity
            where datname = $1 and usename = current_user
            """, name)
            .ExecuteAsync(ct);
        await server.Command($"drop database if exists {name}").ExecuteAsync(ct);
    }
}
