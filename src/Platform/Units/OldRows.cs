using Boon.Platform.Data;

namespace Boon.Platform.Units;

/// <summary>Deletes rows that are old enough, page by page until there are none: however many there are, each statement is short.</summary>
public static class OldRows
{
    /// <summary>Rows in one statement.</summary>
    private const int Page = 1_000;

    /// <summary>
    /// Deletes them. A row that somebody holds or that moves meanwhile is left for the next time. At rest, a look that finds nothing writes
    /// nothing.
    /// </summary>
    /// <param name="source">The database.</param>
    /// <param name="table">The table, with its schema.</param>
    /// <param name="since">The column that says since when it is old; an index begins with it, which gives the oldest first.</param>
    /// <param name="keptFor">How long a row is kept after that.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task DeleteAsync(NpgsqlDataSource source, string table, string since, TimeSpan keptFor, CancellationToken ct)
    {
        int deleted;
        do
        {
            deleted = await source.Command($"""
                delete from {table}
                where ctid = any (array(
                    select ctid
                    from {table}
                    where {since} < now() - $1::interval
                    order by {since}
                    limit {Page}
                    for update skip locked))
                """, keptFor)
                .ExecuteAsync(ct);
        }
        while (deleted > 0);
    }
}
