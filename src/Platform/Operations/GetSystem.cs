using System.Reflection;
using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Boon.Platform.Observability;
using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators the modules of this host: their logs, how far their subscriptions are, and what stands still.</summary>
internal static class GetSystem
{
    private static readonly string Version =
        typeof(GetSystem).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown";

    /// <summary>A module, as the process that answers for it sees it.</summary>
    /// <param name="Module">Its name.</param>
    /// <param name="Process">That process.</param>
    /// <param name="Log">Its log.</param>
    /// <param name="Subscriptions">What it reads of other modules' logs.</param>
    /// <param name="Copies">The copies of other logs that it reads, where a broker brings them.</param>
    /// <param name="DeadLetters">Parked events that wait to be redriven.</param>
    /// <example>
    /// {"module": "wallet", "process": {"version": "0.1.0", "host": "boon-1", "id": 4711, "startedAt": "2026-05-01T09:00:00Z"},
    /// "log": {"head": 1234, "id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "recordedtime": "2026-05-01T09:30:00Z"},
    /// "subscriptions": [{"subscription": "wallet.credit-rewards", "deadLetters": 0, "lanes": [{"lane": 0, "source": "quests",
    /// "sequence": 99, "lag": 0, "oldestSeconds": 0, "movedAt": "2026-05-01T09:30:00Z"}]}], "copies": [], "deadLetters": 0}
    /// </example>
    internal sealed record SystemModule(
        string Module, SystemProcess Process, SystemLog Log, IReadOnlyList<SystemSubscription> Subscriptions,
        IReadOnlyList<SystemCopy> Copies, long DeadLetters);

    /// <summary>A process.</summary>
    /// <param name="Version">The version of Boon that it runs.</param>
    /// <param name="Host">The machine that it runs on.</param>
    /// <param name="Id">Its id there.</param>
    /// <param name="StartedAt">Since when.</param>
    internal sealed record SystemProcess(string Version, string Host, int Id, DateTimeOffset StartedAt);

    /// <summary>A module's log.</summary>
    /// <param name="Head">The last sequence.</param>
    /// <param name="Id">The log's id: another one after a restore.</param>
    /// <param name="Recordedtime">When the last event got its place.</param>
    /// <param name="Shipped">With a broker: the last sequence that is on it for certain.</param>
    internal sealed record SystemLog(long Head, Guid Id, DateTimeOffset? Recordedtime, long? Shipped);

    /// <summary>A subscription.</summary>
    /// <param name="Subscription">Its name.</param>
    /// <param name="DeadLetters">Its parked events that wait to be redriven.</param>
    /// <param name="Lanes">Where its lanes stand.</param>
    internal sealed record SystemSubscription(string Subscription, long DeadLetters, IReadOnlyList<SystemLane> Lanes);

    /// <summary>A lane of a subscription in the log of a source.</summary>
    /// <param name="Lane">Its number, from 0.</param>
    /// <param name="Source">The module whose log it reads.</param>
    /// <param name="Sequence">The last event that it has dealt with.</param>
    /// <param name="Lag">Events after that.</param>
    /// <param name="OldestSeconds">Age of the oldest of them, in whole seconds.</param>
    /// <param name="MovedAt">When it moved last.</param>
    /// <param name="Stopped">Why it has stopped, if it has.</param>
    internal sealed record SystemLane(
        int Lane, string Source, long Sequence, long Lag, long OldestSeconds, DateTimeOffset MovedAt, string? Stopped);

    /// <summary>A copy of another module's log, in the database of this one.</summary>
    /// <param name="Source">The module whose log it is.</param>
    /// <param name="Head">The last sequence that is here.</param>
    /// <param name="SourceHead">The last sequence of the source that was heard of.</param>
    /// <param name="CurrentAt">When the copy was last known to hold everything.</param>
    /// <param name="Trouble">What is wrong, if anything is.</param>
    internal sealed record SystemCopy(string Source, long Head, long SourceHead, DateTimeOffset? CurrentAt, string? Trouble);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/system", Handle)
        .ForOperators().WithTags("Operations")
        .WithSummary("The modules, each as one of its processes sees it: its log, its subscriptions with their lag, and what has stopped.")
        .Produces<GatheredPage<SystemModule>>();

    private static async Task<IResult> Handle(
        IEnumerable<HostedModule> modules, IEnumerable<SubscriptionRunner> subscriptions, LogPlaces places, LogLag lag,
        CancellationToken ct)
    {
        await lag.RefreshAsync(ct);
        var (readings, letters) = (lag.Readings.ToLookup(one => one.Subscription), lag.Letters.ToLookup(one => one.Subscription));
        var all = new List<SystemModule>();
        foreach (var module in modules.OrderBy(module => module.Name, StringComparer.Ordinal))
        {
            var own = subscriptions.Where(one => one.Database.Module == module.Name).OrderBy(one => one.Name, StringComparer.Ordinal)
                .Select(one => new SystemSubscription(
                    one.Name, letters[one.Name].Sum(letter => letter.Open),
                    [.. readings[one.Name].OrderBy(lane => lane.Lane).ThenBy(lane => lane.Source, StringComparer.Ordinal).Select(Lane)]))
                .ToList();
            var copies = new List<SystemCopy>();
            foreach (var copy in places.Copies.Where(copy => ReferenceEquals(copy.Database.Background, module.Database.Background))
                .OrderBy(copy => copy.Source, StringComparer.Ordinal))
                copies.Add(await CopyAsync(copy, ct));
            all.Add(new(module.Name, Process, await LogAsync(module.Database, ct), own, copies, own.Sum(one => one.DeadLetters)));
        }
        return TypedResults.Ok(new GatheredPage<SystemModule>(all, null, null));
    }

    private static SystemProcess Process { get; } = OwnProcess();

    private static SystemProcess OwnProcess()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new(Version, Environment.MachineName, process.Id, process.StartTime.ToUniversalTime());
    }

    private static SystemLane Lane(LogLag.Reading one) =>
        new(one.Lane, one.Source, one.Sequence, one.Lag, (long)one.OldestSeconds, one.MovedAt, one.Stopped);

    private static async Task<SystemLog> LogAsync(ModuleDatabase database, CancellationToken ct)
    {
        var log = await database.Command($"select h.last, h.logid, h.recordedat from {LogHead.Of(database.Schema)} h")
            .ReadOneAsync(row =>
                new SystemLog(row.GetInt64(0), row.GetGuid(1), row.GetInt64(0) == 0 ? null : row.GetDateTime(2), null), ct);
        return await IsShippedAsync(database, ct)
            ? log with { Shipped = await database.Command($"select sequence from {database.Schema}.shipped").ScalarAsync<long>(ct) } : log;
    }

    private static Task<bool> IsShippedAsync(ModuleDatabase database, CancellationToken ct) =>
        database.Command("select to_regclass($1) is not null", $"{database.Schema}.shipped").ScalarAsync<bool>(ct);

    private static Task<SystemCopy> CopyAsync(LogPlace copy, CancellationToken ct) => copy.Database.Command($"""
        select h.last, r.source_head, r.current_at, r.trouble
        from {copy.Schema}.log_head h, {copy.Schema}.received r
        """)
        .ReadOneAsync(row => new SystemCopy(
            copy.Source, row.GetInt64(0), row.GetInt64(1), row.GetNullable<DateTime>(2), row.GetNullable<string>(3)), ct);
}
