using System.Diagnostics.Metrics;
using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Observability;

/// <summary>
/// How far the broker is behind the logs of this process's modules, and its copies behind their sources: asked of the databases, so every
/// process tells the same truth.
/// </summary>
internal sealed class BrokerLag
{
    private readonly IReadOnlyList<HostedModule> modules;
    private readonly LogPlaces places;
    private volatile IReadOnlyList<(string Module, long Lag)> unshipped = [];
    private volatile IReadOnlyList<Copy> copies = [];

    /// <summary>A copy as its tables say it; its age is null until it has held everything once.</summary>
    private sealed record Copy(string Source, long Lag, bool Stopped, double? AgeSeconds);

    public BrokerLag(LogPlaces places, IEnumerable<HostedModule> modules)
    {
        (this.places, this.modules) = (places, [.. modules]);
        LogMetrics.Meter.CreateObservableGauge(
            "boon_log_unshipped_events",
            () => unshipped.Select(one => new Measurement<long>(one.Lag, new KeyValuePair<string, object?>("module", one.Module))),
            description: "Events of the module's log that are not on the broker yet.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_copy_lag_events", () => copies.Select(copy => new Measurement<long>(copy.Lag, Tag(copy))),
            description: "Events of the source's log, as far as it was heard of, that the copy lacks.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_copy_stopped", () => copies.Select(copy => new Measurement<int>(copy.Stopped ? 1 : 0, Tag(copy))),
            description: "1 when the copy waits for a person: events are missing in the stream, or the source's log is another one.");
        LogMetrics.Meter.CreateObservableGauge(
            "boon_copy_age_seconds",
            () => copies.Where(copy => copy.AgeSeconds is not null)
                .Select(copy => new Measurement<double>(copy.AgeSeconds!.Value, Tag(copy))),
            description: "Since the copy was last known to hold all that its source had; up to 5 s when all is well.");
    }

    private static KeyValuePair<string, object?> Tag(Copy copy) => new("source", copy.Source);

    /// <summary>Forgets what was true once.</summary>
    internal void Clear() => (unshipped, copies) = ([], []);

    /// <summary>Asks the databases.</summary>
    internal async Task ReadAsync(CancellationToken ct)
    {
        if (!places.HasBroker)
            return;
        var left = new List<(string, long)>();
        foreach (var module in modules)
            left.Add((module.Name, await module.Database.Background.Command($"""
                select h.last - s.sequence
                from {LogHead.Of(module.Database.Schema)} h, {module.Database.Schema}.shipped s
                """)
                .ScalarAsync<long>(ct)));
        var found = new List<Copy>();
        foreach (var copy in places.Copies)
            found.Add(await copy.Database.Background.Command($"""
                select greatest(0, r.source_head - h.last), r.trouble is not null,
                    extract(epoch from clock_timestamp() - r.current_at)::float8
                from {LogHead.Of(copy.Schema)} h, {copy.Schema}.received r
                """)
                .ReadOneAsync(row => new Copy(copy.Source, row.GetInt64(0), row.GetBoolean(1), row.GetNullable<double>(2)), ct));
        (unshipped, copies) = (left, found);
    }
}
