using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// A lock of a module that orders changes of its rules against batches of events: a batch holds it shared from before it reads the rules until it commits with its
/// checkpoint; a change holds it alone. So a change finds every checkpoint standing still, and applies to exactly the events after it. It is a lock of a table that
/// holds nothing of interest, because those are served in turn: no stream of batches keeps a change waiting.
/// </summary>
public static class RulesLock
{
    /// <summary>The statements that create it in <paramref name="schema"/>.</summary>
    public static string Create(string schema) => $"""
        create table {schema}.rules_lock (only_row boolean primary key default true check (only_row));
        insert into {schema}.rules_lock default values;
        """;

    /// <summary>The statement with which a batch takes it; statements after it see the rules as they stay until the batch commits.</summary>
    public static string SharedStatement(string schema) => $"lock table {schema}.rules_lock in {(Defences.RulesLock ? "row share" : "access share")} mode";

    /// <summary>The statement with which a change takes it alone.</summary>
    public static string ExclusiveStatement(string schema) => $"lock table {schema}.rules_lock in exclusive mode";

    /// <summary>Takes it for a batch.</summary>
    public static async Task SharedAsync(Unit unit, CancellationToken ct)
    {
        await using var command = unit.Command(SharedStatement(unit.Database.Schema));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Takes it alone, for a change. Answers where each lane of a subscription stands in each source: the change applies after that.</summary>
    public static async Task<Dictionary<string, long[]>> ExclusiveAsync(Unit unit, string subscription, CancellationToken ct)
    {
        var schema = unit.Database.Schema;
        await using (var command = unit.Command(ExclusiveStatement(schema)))
            await command.ExecuteNonQueryAsync(ct);
        await using var read = unit.Command($"select source, array_agg(sequence order by lane) from {schema}.checkpoints where subscription = $1 group by source", subscription);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var after = new Dictionary<string, long[]>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
            after[reader.GetString(0)] = reader.GetFieldValue<long[]>(1);
        return after;
    }
}
