using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.CouponTypes;

/// <summary>
/// The counters of coupon types: a row for each change, written in the transaction of the rows that it counts, so that the sum is what a
/// count of those rows would give in the same snapshot. A change waits for nobody. This service folds the rows now and then, so that the
/// sum stays cheap.
/// </summary>
internal sealed partial class CouponCounts(ModuleDatabase<PromotionsDb> module, TimeProvider time, ILogger<CouponCounts> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Fewer rows of a type are left as they are.</summary>
    private const int Few = 64;

    /// <summary>Rows folded in one statement.</summary>
    private const int Most = 20_000;

    /// <summary>Records a change, in a round trip of the transaction that changes what is counted.</summary>
    internal static void Add(RoundTrip trip, string type, long uploaded = 0, long claimed = 0, long redeemed = 0, long purged = 0) =>
        trip.Add("""
            insert into promotions.coupon_counts (type, uploaded, claimed, redeemed, purged)
            values ($1, $2, $3, $4, $5)
            """, type, uploaded, claimed, redeemed, purged);

    /// <summary>Folds the types that have many rows; one that fails stops no other.</summary>
    internal async Task FoldAsync(CancellationToken ct) => await Loops.EachAsync(
        await TypesAsync(ct), type => FoldAllAsync(type, ct), (type, error) => LogFailed(logger, type, error.Message), ct);

    private async Task FoldAllAsync(string type, CancellationToken ct)
    {
        while (await FoldAsync(type, ct) == Most)
        {
            // there is more
        }
    }

    private Task<List<string>> TypesAsync(CancellationToken ct) =>
        module.Database.Background.Command("""
            select type
            from promotions.coupon_counts
            group by type
            having count(*) >= $1
            """, Few)
            .ReadAllAsync(row => row.GetString(0), ct);

    /// <summary>Replaces many rows of a type by their sum, in one statement: at any moment a reader sees either those or this.</summary>
    private Task<long> FoldAsync(string type, CancellationToken ct) =>
        module.Database.Background.Command("""
            with folded as (
                delete from promotions.coupon_counts
                where ctid = any (array(
                    select ctid
                    from promotions.coupon_counts
                    where type = $1
                    limit $2
                    for update skip locked))
                returning *
            ), summed as (
                insert into promotions.coupon_counts (type, uploaded, claimed, redeemed, purged)
                select $1, sum(uploaded), sum(claimed), sum(redeemed), sum(purged)
                from folded
                having count(*) > 0
            )
            select count(*)
            from folded
            """, type, Most)
            .ScalarAsync<long>(ct);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        module.Database.Loops.EveryAsync(
            Interval, time, () => FoldAsync(stoppingToken), error => LogFailed(logger, "", error.Message), stoppingToken);

    [LoggerMessage(1, LogLevel.Warning, "Could not fold the counters of coupon type '{Type}'; trying again later: {Error}",
        EventName = "counts-failed")]
    private static partial void LogFailed(ILogger logger, string type, string error);
}
