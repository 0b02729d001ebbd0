using Boon.Platform.Data;

namespace Boon.Broker.Shipping;

/// <summary>How much of a module's log is on the broker, as the module's database says it.</summary>
internal static class ShippedLog
{
    /// <summary>Up to where it is there for certain, and where it ends.</summary>
    internal static Task<(long Shipped, long Head)> ReadAsync(ModuleDatabase database, CancellationToken ct) => database.Command($"""
        select s.sequence, h.last
        from {database.Schema}.shipped s, {LogHead.Of(database.Schema)} h
        """)
        .ReadOneAsync(row => (row.GetInt64(0), row.GetInt64(1)), ct);

    /// <summary>
    /// Sets it back, never forward. The process that publishes moves it only from where that process has put it: so it sees that it was
    /// set back, and goes on from there.
    /// </summary>
    internal static Task<int> SetBackAsync(ModuleDatabase database, long sequence, CancellationToken ct) =>
        database.Command($"update {database.Schema}.shipped set sequence = $1 where sequence > $1", sequence).ExecuteAsync(ct);
}
