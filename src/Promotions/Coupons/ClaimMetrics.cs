using System.Diagnostics.Metrics;

namespace Boon.Promotions.Coupons;

/// <summary>What the claim path counts.</summary>
internal static class ClaimMetrics
{
    private static readonly Histogram<int> Batches = LogMetrics.Meter.CreateHistogram<int>("boon_claim_batch", "{claim}", "Claims in one transaction, by coupon type");
    private static readonly Counter<long> Answers = LogMetrics.Meter.CreateCounter<long>("boon_claims", "{claim}", "Claims answered, by coupon type and answer");

    internal static void Batch(string type, ClaimResult[] results)
    {
        Batches.Record(results.Length, new KeyValuePair<string, object?>("type", type));
        foreach (var answers in results.GroupBy(result => result.Answer))
            Answers.Add(answers.Count(), new("type", type), new("answer", answers.Key.ToString()));
    }
}
