using Boon.Platform.Data;

namespace Boon.Platform.Replay;

/// <summary>How a module rebuilds what it derives from recorded events: <c>boon replay MODULE</c>.</summary>
/// <param name="Module">The module's name.</param>
/// <param name="Run">Does it while others serve; tells now and then how many events it has folded.</param>
public sealed record ModuleReplay(string Module, Func<ReplayOptions, IProgress<long>, CancellationToken, Task<ReplayReport>> Run);

/// <summary>What a replay is to do.</summary>
/// <param name="CheckOnly">True: compares and changes nothing.</param>
public sealed record ReplayOptions(bool CheckOnly);

/// <summary>What a replay did.</summary>
/// <param name="Events">Stored events that it read and folded.</param>
/// <param name="Folded">How long reading and folding took.</param>
/// <param name="Took">How long all of it took.</param>
/// <param name="Parts">Each part of the projection: rebuilt beside live.</param>
/// <param name="Mended">Rows of the live projection that were put right.</param>
/// <param name="Proof">After mending, each part again: rebuilt beside live; null when nothing was mended.</param>
public sealed record ReplayReport(
    long Events, TimeSpan Folded, TimeSpan Took, IReadOnlyList<ReplayPart> Parts, long Mended, IReadOnlyList<ReplayPart>? Proof)
{
    /// <summary>True when the live projection was what the events say.</summary>
    public bool Equal => Parts.All(part => part.Equal);
}

/// <summary>
/// A part of a projection as it was rebuilt and as it is live: how many rows, and their checksum (the sum of a 64-bit hash of each row, so
/// order plays no role).
/// </summary>
public sealed record ReplayPart(string Name, long Rows, string Checksum, long LiveRows, string LiveChecksum)
{
    /// <summary>True when both are the same.</summary>
    public bool Equal => Rows == LiveRows && Checksum == LiveChecksum;
}

/// <summary>What a replay does with whole tables.</summary>
public static class ReplayTables
{
    /// <summary>Settings for a transaction that reads whole tables; see ADR 0016 for why other sessions go by indexes.</summary>
    public const string PlansForWholeTables = "set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = "
        + "on; set local enable_bitmapscan = on; set local work_mem = '64MB'; " + Databases.NoStatementLimit;

    /// <summary>Sums up a part of a projection as it was rebuilt and as it is live.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">The part's name.</param>
    /// <param name="columns">What a row is, of both.</param>
    /// <param name="rebuilt">The rebuilt table, or a query in parentheses.</param>
    /// <param name="live">The live table.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<ReplayPart> CompareAsync(
        NpgsqlConnection connection, string name, string columns, string rebuilt, string live, CancellationToken ct)
    {
        var ((rows, checksum), (liveRows, liveChecksum)) = (await SumAsync(rebuilt), await SumAsync(live));
        return new ReplayPart(name, rows, checksum, liveRows, liveChecksum);

        Task<(long, string)> SumAsync(string table) =>
            connection.Command($"""
                select count(*), coalesce(sum(hash_record_extended(row({columns}), 0)::numeric), 0)::text
                from {table} t
                """)
                .WithoutLimit()
                .ReadOneAsync(row => (row.GetInt64(0), row.GetString(1)), ct);
    }

    /// <summary>Runs a statement that may take long; answers the number of rows that it changed.</summary>
    public static Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        connection.Command(sql).WithoutLimit().ExecuteAsync(ct);
}
