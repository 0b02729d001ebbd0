using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Pool;

/// <summary>
/// Purges on a schedule: <c>Boon:Coupons:PurgeInterval</c>, an hour unless set; and what claims passed over, by and by. Each page is a transaction of its own, so what
/// was purged stays purged, whatever happens then. A pool that somebody holds is left for later, and an error of one pool stops no other.
/// </summary>
internal sealed partial class CouponPurge(ModuleDatabase<PromotionsDb> module, LogSignals signals, IConfiguration configuration, TimeProvider time, ILogger<CouponPurge> logger)
    : BackgroundService
{
    /// <summary>Between two looks at what claims passed over.</summary>
    private static readonly TimeSpan GapInterval = TimeSpan.FromSeconds(5);

    /// <summary>Between two tries to purge pools that somebody held.</summary>
    private static readonly TimeSpan HeldInterval = TimeSpan.FromSeconds(1);

    /// <summary>Tries to purge pools that somebody held, until the schedule comes again.</summary>
    private const int MostTries = 30;

    private readonly TimeSpan interval = Settings.PurgeInterval.Of(configuration);

    /// <summary>Purges everything now, waiting for pools that somebody holds; answers how many coupons.</summary>
    internal async Task<long> RunAsync(string by, CancellationToken ct)
    {
        var pools = new PoolPurge(module, signals, by);
        var total = await PurgeGapsAsync(pools, ct);
        foreach (var type in await TypesAsync(ct))
            total += (await pools.RunAsync(type, skipHeld: false, ct)).Purged;
        return total;
    }

    /// <summary>Purges what claims passed over; a range that somebody else works on is left to them.</summary>
    private static async Task<long> PurgeGapsAsync(PoolPurge pools, CancellationToken ct)
    {
        var total = 0L;
        while (await pools.GapAsync(ct) is { } purged)
            total += purged;
        return total;
    }

    private async Task<List<string>> TypesAsync(CancellationToken ct)
    {
        await using var command = module.Database.Background.CreateCommand("select name from promotions.coupon_types");
        await using var reader = await command.ExecuteReaderAsync(ct);
        var types = new List<string>();
        while (await reader.ReadAsync(ct))
            types.Add(reader.GetString(0));
        return types;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval < GapInterval ? interval : GapInterval, time);
        var last = time.GetTimestamp();
        var pools = new PoolPurge(module, signals, Actor.System);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await TryAsync("", async () => await PurgeGapsAsync(pools, stoppingToken), stoppingToken);
            if (time.GetElapsedTime(last) < interval)
                continue;
            last = time.GetTimestamp();
            var types = new List<string>();
            await TryAsync("", async () => types = await TypesAsync(stoppingToken), stoppingToken);
            await PurgeAsync(pools, types, stoppingToken);
        }
    }

    private async Task PurgeAsync(PoolPurge pools, List<string> types, CancellationToken ct)
    {
        var total = 0L;
        for (var tries = 0; types.Count > 0 && tries < MostTries; tries++)
        {
            if (tries > 0)
                await Task.Delay(HeldInterval, time, ct);
            var held = new List<string>();
            foreach (var type in types)
                await TryAsync(type, async () =>
                {
                    var (purged, skipped) = await pools.RunAsync(type, skipHeld: true, ct);
                    total += purged;
                    if (skipped)
                        held.Add(type);
                }, ct);
            types = held;
        }
        if (total > 0)
            LogPurged(logger, total);
    }

    /// <summary>What fails is tried again when the schedule comes again.</summary>
    private async Task TryAsync(string type, Func<Task> work, CancellationToken ct)
    {
        try
        {
            await work();
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            LogFailed(logger, type, error.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Purged {Count} expired coupons that nobody had claimed", EventName = "coupons-purged")]
    private static partial void LogPurged(ILogger logger, long count);

    [LoggerMessage(2, LogLevel.Warning, "Could not purge the expired coupons of type '{Type}'; trying again later: {Error}", EventName = "purge-failed")]
    private static partial void LogFailed(ILogger logger, string type, string error);
}
