using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Coupons;

/// <summary>
/// The counters of coupon types: a row for each change, written in the transaction of the rows that it counts, so that the sum is what a count of those rows
/// would give in the same snapshot. A change waits for nobody. This service folds the rows now and then, so that the sum stays cheap.
/// </summary>
internal sealed partial class CouponCounts(ModuleDatabase<PromotionsDb> module, TimeProvider time, ILogger<CouponCounts> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Fewer rows are left as they are.</summary>
    private const int Few = 1_000;

    /// <summary>Rows folded in one statement.</summary>
    private const int Most = 20_000;

    /// <summary>The statement that records a change.</summary>
    internal static NpgsqlBatchCommand Change(string type, long uploaded = 0, long claimed = 0, long redeemed = 0, long purged = 0) =>
        new("insert into promotions.coupon_counts (type, uploaded, claimed, redeemed, purged) values ($1, $2, $3, $4, $5)")
        {
            Parameters = { new() { Value = type }, new() { Value = uploaded }, new() { Value = claimed }, new() { Value = redeemed }, new() { Value = purged } },
        };

    /// <summary>Records a change in the transaction of what it counts.</summary>
    internal static async Task AddAsync(Unit<PromotionsDb> unit, NpgsqlBatchCommand change, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(unit.Connection) { BatchCommands = { change } };
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Replaces many rows by their sums, in one statement: at any moment a reader sees either those or these.</summary>
    internal async Task FoldAsync(CancellationToken ct)
    {
        while (await FoldOnceAsync(ct) == Most)
        {
            // there is more
        }
    }

    private async Task<long> FoldOnceAsync(CancellationToken ct)
    {
        await using var command = module.Database.Source.CreateCommand($"""
            with folded as (
                delete from promotions.coupon_counts where ctid = any (array(
                    select ctid from promotions.coupon_counts where (select count(*) from (select from promotions.coupon_counts limit {Few}) rows) = {Few}
                    limit {Most} for update skip locked)) returning *
            ), sums as (
                insert into promotions.coupon_counts
                select type, sum(uploaded), sum(claimed), sum(redeemed), sum(purged) from folded group by type
            )
            select count(*) from folded
            """);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await FoldAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, error.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The coupon counters stay unfolded until the next try: {Error}", EventName = "counts-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
