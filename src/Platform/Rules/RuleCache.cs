using System.Collections.Concurrent;
using System.Collections.Immutable;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Rules;

/// <summary>
/// A module's rules in memory, parsed once for each of their versions. The database counts the changes (<see cref="RulesLock.Versions"/>):
/// a batch reads that number under the rules lock, and only what has changed since. A rule that cannot be read or that fails for an event
/// is left out, logged once and counted.
/// </summary>
/// <param name="schema">The module's schema.</param>
/// <param name="select">
/// Reads rules changed after version $1, or with -1 all: their id first, then whether the rule judges anything (else it is dropped), then
/// what <paramref name="read"/> reads.
/// </param>
/// <param name="read">Makes a rule of a row.</param>
/// <param name="logger">Is told of rules that fail.</param>
public sealed partial class RuleCache<TRule>(string schema, string select, Func<NpgsqlDataReader, TRule> read, ILogger logger)
    where TRule : EventRule
{
    private sealed record Known(long Version, ImmutableDictionary<Guid, TRule> Rules, RuleIndex<TRule>? Index)
    {
        internal static Known Nothing { get; } = new(-1, ImmutableDictionary<Guid, TRule>.Empty, null);
    }

    private readonly ConcurrentDictionary<Guid, long> told = new();
    private volatile Known known = Known.Nothing;

    /// <summary>
    /// Takes the rules lock for a batch, and answers the rules as they stay until it commits, for events recorded at <paramref name="at"/>
    /// or later.
    /// </summary>
    public async Task<RuleIndex<TRule>> ReadAsync(Unit unit, DateTime at, CancellationToken ct)
    {
        var now = known;
        var version = await VersionAsync(unit, ct);
        if (version != now.Version)
            now = await LoadAsync(unit, version < now.Version ? Known.Nothing : now, version, ct);
        if (now.Index is null || !now.Index.Holds(at))
            now = now with { Index = new RuleIndex<TRule>(now.Rules.Values, at, Failed) };
        known = now;
        return now.Index!;
    }

    /// <summary>Tells of a rule that threw for an event: it has no effect on that event.</summary>
    public void Failed(TRule rule, LoggedEvent e, Exception error) => Failed(rule.Id, $"{e.Type} {e.Id}", error);

    private async Task<long> VersionAsync(Unit unit, CancellationToken ct)
    {
        var trip = new RoundTrip(unit);
        trip.Add(RulesLock.SharedStatement(schema));
        var version = trip.Add($"select version from {schema}.rules_lock").First(row => row.GetInt64(0));
        await trip.RunAsync(ct);
        return version.Value;
    }

    private async Task<Known> LoadAsync(Unit unit, Known before, long version, CancellationToken ct)
    {
        var rules = before.Rules.ToBuilder();
        await unit.Command(select, before.Version).ReadEachAsync(row =>
        {
            var id = row.GetGuid(0);
            rules.Remove(id);
            if (row.GetBoolean(1) && TryRead(row, id) is { } rule)
                rules.Add(id, rule);
        }, ct);
        return new Known(version, rules.ToImmutable(), null);
    }

    private TRule? TryRead(NpgsqlDataReader reader, Guid id)
    {
        try
        {
            var rule = read(reader);
            RuleIndex<TRule>.Check(rule);
            return rule;
        }
        catch (Exception error) when (!PostgresErrors.IsInfrastructure(error))
        {
            Failed(id, "any event", error);
            return null;
        }
    }

    private void Failed(Guid rule, string what, Exception error)
    {
        LogMetrics.RuleFailed(schema);
        var version = known.Version;
        if (told.TryGetValue(rule, out var last) && last == version)
            return;
        told[rule] = version;
        LogFailed(logger, error, schema, rule, what);
    }

    [LoggerMessage(1, LogLevel.Error, "A rule of {Module} failed and had no effect on the event: {Rule}, for {What}",
        EventName = "rule-failed")]
    private static partial void LogFailed(ILogger logger, Exception error, string module, Guid rule, string what);
}
