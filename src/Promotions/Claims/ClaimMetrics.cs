using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Boon.Promotions.Claims;

/// <summary>
/// What the claim path counts, by coupon type: the first hundred types that are claimed in this process by their names, all others
/// together.
/// </summary>
internal static class ClaimMetrics
{
    private const int MostLabels = 100;

    /// <summary>No type can be called that.</summary>
    private const string Others = "(other)";

    private static readonly Histogram<int> Batches = LogMetrics.Meter.CreateHistogram<int>(
        "boon_claim_batch", "{claim}", "Claims in one transaction, by coupon type",
        advice: new() { HistogramBucketBoundaries = [1, 2, 3, 4, 6, 10, 20, 50, 100, 200, 500] });
    private static readonly Counter<long> Answers = LogMetrics.Meter.CreateCounter<long>(
        "boon_claims", "{claim}", "Claims answered, by coupon type and answer");
    private static readonly ConcurrentDictionary<string, byte> Labels = new(StringComparer.Ordinal);

    /// <summary>Counts a batch of claims of a type that there is.</summary>
    internal static void Batch(string type, ClaimResult[] results)
    {
        var label = Label(type);
        Batches.Record(results.Length, new KeyValuePair<string, object?>("type", label));
        foreach (var answers in results.GroupBy(result => result.Answer))
            Answers.Add(answers.Count(), new("type", label), new("answer", answers.Key.ToString()));
    }

    private static string Label(string type) =>
        Labels.ContainsKey(type) || (Labels.Count < MostLabels && Labels.TryAdd(type, 0)) ? type : Others;
}
