namespace Boon.Platform.Data;

/// <summary>Sorts database errors by what to do about them.</summary>
public static class PostgresErrors
{
    /// <summary>
    /// True for errors of the database, its schema or the way to it: they say nothing about the data at hand, so the work is
    /// retried as it is and never parked. Errors of class 22 and 23 (bad data, violated constraint) are not among them.
    /// </summary>
    public static bool IsInfrastructure(Exception exception)
    {
        for (var error = exception; error is not null; error = error.InnerException)
            switch (error)
            {
                case PostgresException { SqlState: var state }:
                    return !state.StartsWith("22", StringComparison.Ordinal) && !state.StartsWith("23", StringComparison.Ordinal);
                case NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException:
                    return true;
                case ObjectDisposedException or OperationCanceledException:
                    return true;
            }
        return false;
    }

    /// <summary>The constraint that an insert or update violated, or null when the error is another.</summary>
    public static string? ViolatedConstraint(this DbUpdateException exception) => (exception.InnerException as PostgresException)?.ViolatedConstraint();

    /// <inheritdoc cref="ViolatedConstraint(DbUpdateException)"/>
    public static string? ViolatedConstraint(this PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.CheckViolation ? exception.ConstraintName : null;
}
