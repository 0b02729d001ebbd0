using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Pool;

/// <summary>
/// Purges on a schedule: <c>Boon:Coupons:PurgeInterval</c>, an hour unless set; and what claims passed over, by and by. Each page is a
/// transaction of its own, so what was purged stays purged, whatever happens then. A pool that somebody holds is passed and tried again
/// after the others, and an error of one pool stops no other.
/// </summary>
internal sealed partial class CouponPurge(
    ModuleDatabase<PromotionsDb> module, LogSignals signals, IConfiguration configuration, TimeProvider time, ILogger<CouponPurge> logger)
    : BackgroundService
{
    /// <summary>Between two looks at what claims passed over.</summary>
    private static readonly TimeSpan GapInterval = TimeSpan.FromSeconds(5);

    /// <summary>Between two tries to purge pools that somebody held.</summary>
    private static readonly TimeSpan HeldInterval = TimeSpan.FromSeconds(1);

    /// <summary>Tries to purge pools that somebody held, until the schedule comes again.</summary>
    private const int MostTries = 30;

    /// <summary>The same for a request: its caller waits.</summary>
    private const int MostTriesOfRequest = 5;

    private readonly TimeSpan interval = Settings.PurgeInterval.Of(configuration);

    /// <summary>
    /// Purges everything now; answers how many coupons, and the types whose pools somebody held all the time. Those delay no other, and the
    /// schedule purges them.
    /// </summary>
    internal async Task<(long Purged, IReadOnlyList<string> Held)> RunAsync(string by, CancellationToken ct)
    {
        var pools = new PoolPurge(module, signals, by);
        var gaps = await PurgeGapsAsync(pools, ct);
        var (purged, held) = await PurgeAsync(
            pools, await TypesAsync(ct), MostTriesOfRequest, (_, error) => ExceptionDispatchInfo.Throw(error), ct);
        return (gaps + purged, held);
    }

    /// <summary>Purges what claims passed over; a range that somebody else works on is left to them.</summary>
    private static async Task<long> PurgeGapsAsync(PoolPurge pools, CancellationToken ct)
    {
        var total = 0L;
        while (await pools.GapAsync(ct) is { } purged)
            total += purged;
        return total;
    }

    private Task<List<string>> TypesAsync(CancellationToken ct) =>
        module.Database.Background.Command("select name from promotions.coupon_types").ReadAllAsync(row => row.GetString(0), ct);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var last = time.GetTimestamp();
        var pools = new PoolPurge(module, signals, Actor.System);
        return module.Database.Loops.EveryAsync(
            interval < GapInterval ? interval : GapInterval, time, RunAsync, error => LogFailed(logger, "", error.Message), stoppingToken);

        async Task RunAsync()
        {
            await Loops.EachAsync(
                [pools], one => PurgeGapsAsync(one, stoppingToken), (_, error) => LogFailed(logger, "", error.Message), stoppingToken);
            if (time.GetElapsedTime(last) < interval)
                return;
            var types = await TypesAsync(stoppingToken);
            var (purged, _) = await PurgeAsync(
                pools, types, MostTries, (type, error) => LogFailed(logger, type, error.Message), stoppingToken);
            last = time.GetTimestamp(); // one that an outage ended comes again soon
            if (purged > 0)
                LogPurged(logger, purged);
        }
    }

    /// <summary>
    /// Purges the pools of types. Those that somebody holds are passed, and tried again after the others; answers which were held each
    /// time.
    /// </summary>
    private async Task<(long Purged, IReadOnlyList<string> Held)> PurgeAsync(
        PoolPurge pools, List<string> types, int mostTries, Action<string, Exception> failed, CancellationToken ct)
    {
        var total = 0L;
        for (var tries = 0; types.Count > 0 && tries < mostTries; tries++)
        {
            if (tries > 0)
                await Task.Delay(HeldInterval, time, ct);
            var held = new List<string>();
            var whenHeld = tries == 0 ? HeldPool.Skip : HeldPool.WaitBriefly;
            await Loops.EachAsync(types, async type =>
            {
                var (purged, skipped) = await pools.RunAsync(type, whenHeld, ct);
                total += purged;
                if (skipped)
                    held.Add(type);
            }, failed, ct);
            types = held;
        }
        return (total, types);
    }

    [LoggerMessage(1, LogLevel.Information, "Purged {Count} expired coupons that nobody had claimed", EventName = "coupons-purged")]
    private static partial void LogPurged(ILogger logger, long count);

    [LoggerMessage(2, LogLevel.Warning, "Could not purge the expired coupons of type '{Type}'; trying again later: {Error}",
        EventName = "purge-failed")]
    private static partial void LogFailed(ILogger logger, string type, string error);
}
