namespace Boon.Platform.Data;

/// <summary>Sorts database errors by what to do about them.</summary>
public static class PostgresErrors
{
    /// <summary>
    /// True for errors of the database, its schema or the way to it: they say nothing about the data at hand, so an event that meets one is
    /// retried as it is and never parked. Not among them: classes 22 (bad data), 23 (violated constraint), 54 (a limit exceeded) and P0
    /// (raised).
    /// </summary>
    public static bool IsInfrastructure(Exception exception) => Is(exception, state => !StartsWithAny(state, "22", "23", "54", "P0"));

    /// <summary>
    /// True when the database is out of reach, read-only or out of resources, for a caller who may try again; false for what a retry does
    /// not mend.
    /// </summary>
    public static bool IsOutage(Exception exception) =>
        Is(exception, state =>
        StartsWithAny(state, PostgresErrorCodes.ReadOnlySqlTransaction, IdleInTransaction, "08", "40", "53", "55", "57", "58"));

    /// <summary>The server ended a session that stood still inside a transaction.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>True when a table or its schema is not there: a module that was never started on this database.</summary>
    public static bool IsMissingTable(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName;

    private static bool StartsWithAny(string state, params ReadOnlySpan<string> classes)
    {
        foreach (var one in classes)
            if (state.StartsWith(one, StringComparison.Ordinal))
                return true;
        return false;
    }

    private static bool Is(Exception exception, Func<string, bool> postgres)
    {
        for (var error = exception; error is not null; error = error.InnerException)
            switch (error)
            {
                case PostgresException { SqlState: var state }:
                    return postgres(state);
                case NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException:
                    return true;
                case ObjectDisposedException or OperationCanceledException:
                    return true;
            }
        return false;
    }

    /// <summary>The constraint that an insert or update violated, or null when the error is another.</summary>
    public static string? ViolatedConstraint(this DbUpdateException exception) =>
        (exception.InnerException as PostgresException)?.ViolatedConstraint();

    /// <inheritdoc cref="ViolatedConstraint(DbUpdateException)"/>
    public static string? ViolatedConstraint(this PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.CheckViolation ? exception.ConstraintName : null;
}
