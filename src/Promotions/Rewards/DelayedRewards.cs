using Boon.Promotions.Pool;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Rewards;

/// <summary>
/// Grants delayed rewards as soon as their pools have coupons again. Any process may; who holds a pool is alone with it, and one that
/// somebody holds is left for the next look.
/// </summary>
internal sealed partial class DelayedRewards(
    ModuleDatabase<PromotionsDb> module, LogSignals signals, TimeProvider time, ILogger<DelayedRewards> logger) : BackgroundService
{
    /// <summary>Between two looks, however much is logged.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        module.Database.Loops.EveryAsync(
            Interval, time, () => GrantAllAsync(stoppingToken), error => LogFailed(logger, error.Message), stoppingToken);

    private async Task GrantAllAsync(CancellationToken ct) => await Loops.EachAsync(
        await TypesAsync(ct), type => GrantAsync(type, ct), (_, error) => LogFailed(logger, error.Message), ct);

    /// <summary>
    /// Types for which rewards wait and coupons are there (perhaps expired ones, which granting purges), or of whose rewards nobody has
    /// said yet why they wait: their pool was held when they were recorded. No pool is held for this look.
    /// </summary>
    private Task<List<string>> TypesAsync(CancellationToken ct) =>
        module.Database.Background.Command("""
            with recursive types (name) as (
                (select r.type
                from promotions.coupon_rewards r
                where r.granted_at is null
                order by r.type
                limit 1)
                union all
                select (
                    select r.type
                    from promotions.coupon_rewards r
                    where r.type > p.name and r.granted_at is null
                    order by r.type
                    limit 1)
                from types p
                where p.name is not null
            )
            select t.name
            from types p
            join promotions.coupon_types t on t.name = p.name
            where exists (
                    select
                    from promotions.codes c
                    where c.type = t.name and c.position >= t.next_position and c.purged_at is null)
                or exists (
                    select
                    from promotions.coupon_rewards r
                    where r.type = t.name and r.granted_at is null and coalesce(r.reason, '') = '')
            """)
            .ReadAllAsync(row => row.GetString(0), ct);

    private async Task GrantAsync(string type, CancellationToken ct)
    {
        for (var more = true; more;)
        {
            await using var unit = new Unit<PromotionsDb>(module.ForBackground, signals);
            await unit.BeginAsync(ct);
            more = await GrantRewards.GrantAsync(unit, type, HeldPool.WaitBriefly, ct) == Granted.More;
            await unit.CommitAsync(ct);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not grant delayed rewards; trying again later: {Error}",
        EventName = "delayed-rewards-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
