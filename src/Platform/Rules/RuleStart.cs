using System.Text.Json;
using Boon.Platform.Log;

namespace Boon.Platform.Rules;

/// <summary>
/// From where on a rule counts: in each log after a place that was its settled end when the rule was made.
/// Numbers part what came before from what came after; clocks do not, because each server has its own.
/// </summary>
/// <param name="After">The place in each source's log.</param>
/// <param name="At">
/// For a log without a place, because the rule was made before there were any, or by an earlier version: what was recorded at this moment
/// or later counts.
/// </param>
public sealed record RuleStart(IReadOnlyDictionary<string, long> After, DateTime At)
{
    /// <summary>The column of a table of rules that holds the places, as a JSON object.</summary>
    public const string Column = "counts_after";

    internal bool Covers(LoggedEvent e) =>
        Defences.CountBySequence.On && After.TryGetValue(e.Source, out var after) ? e.Sequence > after : e.RecordedAt >= At;

    /// <summary>Reads the column and the moment of creation, which follow each other.</summary>
    public static RuleStart Read(NpgsqlDataReader reader, int column) =>
        new(JsonSerializer.Deserialize<Dictionary<string, long>>(reader.GetString(column))!, reader.GetDateTime(column + 1));

    /// <summary>
    /// What a new rule stores. A lane may have passed a settled head before the rule was there: no lane judges what lies between, so that
    /// belongs to what came before, in whatever lane, and also when it is read again.
    /// </summary>
    /// <param name="heads">The settled heads, see <see cref="LogBarrier.SettledHeadsAsync"/>.</param>
    /// <param name="standsAt">Where the furthest lane stands in a source, under the rules lock.</param>
    public static string Json(IReadOnlyDictionary<string, long> heads, Func<string, long> standsAt) =>
        JsonSerializer.Serialize(
            heads.ToDictionary(head => head.Key, head => Math.Max(head.Value, standsAt(head.Key)), StringComparer.Ordinal));

    /// <summary>
    /// The statement of a migration that gives the rules of before their places: the last event of each log that was recorded before the
    /// rule was made. A log's times never go back, so it is found by halves. A log that is not in this database, or is no longer read here,
    /// gets none.
    /// </summary>
    /// <param name="schema">The module's schema.</param>
    /// <param name="table">The table of its rules.</param>
    /// <param name="sources">The modules whose logs they count.</param>
    public static string Fill(string schema, string table, IReadOnlyList<string> sources) => $"""
        do $$
        declare
            log text;
            rule record;
            head bigint;
            low bigint;
            high bigint;
            middle bigint;
            at timestamptz;
        begin
            foreach log in array array[{string.Join(", ", sources.Select(source => $"'{source}'"))}] loop
                continue when to_regclass(log || '.event_order') is null;
                execute format('select last from %I.log_head', log) into head;
                continue when head < (select max(c.sequence) from {schema}.checkpoints c where c.source = log);
                for rule in select r.id, r.created_at from {schema}.{table} r where not r.{Column} ? log loop
                    low := 0;
                    high := head;
                    while low < high loop
                        middle := (low + high + 1) / 2;
                        execute format('select recordedat from %I.event_order where sequence = $1', log) into at using middle;
                        if at < rule.created_at then
                            low := middle;
                        else
                            high := middle - 1;
                        end if;
                    end loop;
                    update {schema}.{table} r set {Column} = r.{Column} || jsonb_build_object(log, low) where r.id = rule.id;
                end loop;
            end loop;
        end $$;
        """;

    /// <summary>
    /// The statement that, after a log was restored to an earlier state, lets the rules count what now has the numbers that were lost. $1
    /// is the source, $2 where they begin.
    /// </summary>
    internal static string Lower(string schema, string table) => $"""
        update {schema}.{table}
        set {Column} = jsonb_set({Column}, array[$1], to_jsonb($2))
        where ({Column} ->> $1)::bigint > $2
        """;
}
