using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Boon.Platform.Log;

/// <summary>The log's own meters and its trace source, both named <c>Boon</c>.</summary>
public static class LogMetrics
{
    /// <summary>The name of Boon's meter and activity source.</summary>
    public const string Name = "Boon";

    /// <summary>Spans of handling events.</summary>
    public static ActivitySource Activities { get; } = new(Name);

    /// <summary>Boon's meter.</summary>
    public static Meter Meter { get; } = new(Name);

    private static readonly Counter<long> AppendedEvents = Meter.CreateCounter<long>(
        "boon_events_appended", description: "Events written to a module's log by this process.");
    private static readonly Counter<long> SequencedEvents = Meter.CreateCounter<long>(
        "boon_events_sequenced", description: "Events given their sequence by this process.");
    private static readonly Counter<long> Restores = Meter.CreateCounter<long>(
        "boon_log_restored", description: "Logs that this process found restored into another cluster.");
    private static readonly Counter<long> HandledEvents = Meter.CreateCounter<long>(
        "boon_events_handled", description: "Events handled and committed by this process.");
    private static readonly Counter<long> ParkedEvents = Meter.CreateCounter<long>(
        "boon_events_parked", description: "Events parked as dead letters by this process.");
    private static readonly Counter<long> FailedRules = Meter.CreateCounter<long>(
        "boon_rules_failed", description: "Times that a campaign or quest failed for an event and had no effect on it.");
    private static readonly Histogram<long> BatchSizes = Meter.CreateHistogram<long>("boon_batch_events", description: "Events in a batch.",
        advice: new() { HistogramBucketBoundaries = [1, 2, 3, 4, 6, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] });
    private static readonly Histogram<double> BatchTimes = Meter.CreateHistogram<double>(
        "boon_batch_seconds", "s", "From the read to the commit of a batch.",
        advice: new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "boon_refusals", description: "Vouchers, claims, redemptions and orders refused by this process, by event type and reason.");
    private static readonly Counter<long> FailedSignIns = Meter.CreateCounter<long>(
        "boon_sign_ins_failed", description: "Wrong passwords that this process counted.");

    internal static void Appended(string module, string type, string? refusal, int count)
    {
        AppendedEvents.Add(count, new("module", module), new("type", type));
        if (refusal is not null)
            Refusals.Add(count, new("type", type), new("reason", refusal));
    }

    /// <summary>A password was wrong.</summary>
    public static void SignInFailed() => FailedSignIns.Add(1);

    internal static void Sequenced(string module, long count) =>
        SequencedEvents.Add(count, new KeyValuePair<string, object?>("module", module));

    internal static void Restored(string module) => Restores.Add(1, new KeyValuePair<string, object?>("module", module));

    internal static void Handled(string subscription, int count, TimeSpan took)
    {
        var tag = new KeyValuePair<string, object?>("subscription", subscription);
        HandledEvents.Add(count, tag);
        BatchSizes.Record(count, tag);
        BatchTimes.Record(took.TotalSeconds, tag);
    }

    internal static void Parked(string subscription) =>
        ParkedEvents.Add(1, new KeyValuePair<string, object?>("subscription", subscription));

    internal static void RuleFailed(string module) => FailedRules.Add(1, new KeyValuePair<string, object?>("module", module));
}
