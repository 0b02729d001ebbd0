using Boon.Platform.Data;
using Boon.Platform.Units;

namespace Boon.Platform.Rules;

/// <summary>
/// A lock of a module that orders changes of its rules against batches of events: a batch holds it shared from before it reads the rules
/// until it commits with its checkpoint; a change holds it alone. So a change finds every checkpoint standing still, and applies to exactly
/// the events after it. It is a lock of a table that holds nothing of interest, because those are served in turn: no stream of batches
/// keeps a change waiting.
/// </summary>
public static class RulesLock
{
    /// <summary>The statements that create it in <paramref name="schema"/>.</summary>
    public static string Create(string schema) => $"""
        create table {schema}.rules_lock (only_row boolean primary key default true check (only_row));
        insert into {schema}.rules_lock default values;
        """;

    /// <summary>
    /// The statements that let the database count the changes of the rules in <paramref name="table"/>: each one gives the changed row the
    /// next number (<c>rules_version</c>), whoever makes it. So a reader knows by one number whether it knows the rules, and what it lacks.
    /// </summary>
    /// <param name="schema">The module's schema.</param>
    /// <param name="table">The table of its rules.</param>
    /// <param name="changed">A condition on <c>old</c> and <c>new</c>: true for an update that changes what is judged.</param>
    public static string Versions(string schema, string table, string changed) => $"""
        alter table {schema}.rules_lock add column version bigint not null default 0;
        alter table {schema}.{table} add column rules_version bigint not null default 0;
        create index {table}_rules_version on {schema}.{table} (rules_version);
        create function {schema}.count_rule_change() returns trigger language plpgsql as $$
        begin
            update {schema}.rules_lock set version = version + 1 returning version into new.rules_version;
            return new;
        end $$;
        create trigger rule_made before insert on {schema}.{table} for each row execute function {schema}.count_rule_change();
        create trigger rule_changed before update on {schema}.{table} for each row
        when ({changed}) execute function {schema}.count_rule_change();
        """;

    /// <summary>
    /// The statement with which a batch takes it; statements after it see the rules as they stay until the batch commits.
    /// </summary>
    public static string SharedStatement(string schema) =>
        $"lock table {schema}.rules_lock in {Defences.RulesLock.Sql("row share", without: "access share")} mode";

    /// <summary>The statement with which a change takes it alone.</summary>
    public static string ExclusiveStatement(string schema) => $"lock table {schema}.rules_lock in exclusive mode";

    /// <summary>
    /// Takes it alone, for a change. Answers where each lane of a subscription stands in each source: the change applies after that.
    /// </summary>
    public static async Task<Dictionary<string, long[]>> ExclusiveAsync(Unit unit, string subscription, CancellationToken ct)
    {
        var schema = unit.Database.Schema;
        await unit.Command(ExclusiveStatement(schema)).ExecuteAsync(ct);
        var after = new Dictionary<string, long[]>(StringComparer.Ordinal);
        await unit.Command($"""
            select source, array_agg(sequence order by lane)
            from {schema}.checkpoints
            where subscription = $1
            group by source
            """, subscription)
            .ReadEachAsync(row => after[row.GetString(0)] = row.GetFieldValue<long[]>(1), ct);
        return after;
    }
}
