using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Coupons;

/// <summary>Takes coupons that expired before anybody claimed them out of their pools, now.</summary>
internal static class PurgeCoupons
{
    /// <summary>What was purged.</summary>
    /// <param name="Purged">How many coupons.</param>
    internal sealed record View(long Purged);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/coupons/purge", Handle)
        .ForOperators().WithTags("Coupons")
        .WithSummary("Purges the unclaimed expired coupons at once; a schedule does it too. Claimed ones keep their history, and a purged code stays taken.")
        .Produces<View>();

    private static async Task<IResult> Handle(ClaimsPrincipal caller, CouponPurge purge, CancellationToken ct) =>
        TypedResults.Ok(new View(await purge.RunAsync(Actor.Of(caller), ct)));
}

/// <summary>Purges on a schedule: <c>Boon:Coupons:PurgeInterval</c>, an hour unless set.</summary>
internal sealed partial class CouponPurge(ModuleDatabase<PromotionsDb> module, LogSignals signals, IConfiguration configuration, TimeProvider time, ILogger<CouponPurge> logger)
    : BackgroundService
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromHours(1);

    /// <summary>Coupons in one transaction, which holds their pool.</summary>
    private const int Most = 5_000;

    private readonly TimeSpan interval = configuration.GetValue<TimeSpan?>("Boon:Coupons:PurgeInterval") switch
    {
        null => DefaultInterval,
        { } set when set >= TimeSpan.FromSeconds(1) && set <= TimeSpan.FromDays(24) => set,
        { } set => throw new SetupException($"Boon__Coupons__PurgeInterval is {set}; it can be 00:00:01 to 24.00:00:00."),
    };

    /// <summary>Purges every pool, some thousand coupons at a time; answers how many.</summary>
    internal async Task<long> RunAsync(string by, CancellationToken ct)
    {
        var types = new List<string>();
        await using (var command = module.Database.Source.CreateCommand("select name from promotions.coupon_types"))
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                types.Add(reader.GetString(0));
        var total = 0L;
        foreach (var type in types)
            for (var more = true; more;)
            {
                (var purged, more) = await PurgeAsync(type, by, ct);
                total += purged;
            }
        return total;
    }

    /// <summary>What lies before the cursor is claimed, or was purged when the cursor passed it; so the unclaimed are looked for from there on, before the pool is held.</summary>
    private async Task<(long Purged, bool More)> PurgeAsync(string type, string by, CancellationToken ct)
    {
        await using var unit = new Unit<PromotionsDb>(module, signals) { By = by };
        await unit.BeginAsync(ct);
        var ids = new List<Guid>();
        await using (var find = unit.Command("""
            select id from promotions.codes
            where type = $1 and expires_at <= now() and position >= (select next_position from promotions.coupon_types where name = $1) and purged_at is null
            order by expires_at limit $2
            """, type, Most))
        await using (var reader = await find.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                ids.Add(reader.GetGuid(0));
        if (ids.Count == 0)
            return (0, false);
        await CouponPool.HoldAsync(unit, type, ct);
        long purged;
        await using (var purge = unit.Command("""
            update promotions.codes set purged_at = now()
            where id = any ($1) and purged_at is null and position >= (select next_position from promotions.coupon_types where name = $2)
            """, ids.ToArray(), type))
            purged = await purge.ExecuteNonQueryAsync(ct);
        if (purged > 0)
        {
            await CouponCounts.AddAsync(unit, CouponCounts.Change(type, purged: purged), ct);
            unit.Append(new CouponsPurged(ClaimBatch.NameOf(type), purged));
        }
        await unit.CommitAsync(ct);
        return (purged, ids.Count == Most);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                LogPurged(logger, await RunAsync(Actor.System, stoppingToken));
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, error.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Purged {Count} expired coupons that nobody had claimed", EventName = "coupons-purged")]
    private static partial void LogPurged(ILogger logger, long count);

    [LoggerMessage(2, LogLevel.Warning, "Expired coupons stay until the next try: {Error}", EventName = "purge-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
