using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Pool;

/// <summary>
/// Purges pools page by page, for <paramref name="by"/>: what has expired before the cursor comes to it, and the ranges that the cursor
/// passed over.
/// </summary>
internal sealed class PoolPurge(ModuleDatabase<PromotionsDb> module, LogSignals signals, string by)
{
    /// <summary>Coupons looked at in one statement and purged in one transaction.</summary>
    private const int Page = 5_000;

    /// <summary>
    /// What expired so long before the last purge is not looked for again. An upload whose coupons expire while it is under way, and clocks
    /// that differ, are within it.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromHours(1);

    private sealed record Walk(DateTime Now, DateTime From, long Cursor);

    /// <summary>A range of positions that the cursor passed over.</summary>
    private sealed record Gap(long Id, string Type, long First, long Last);

    private sealed record Expired(Guid Id, DateTime ExpiresAt, long Position);

    /// <summary>
    /// Purges the coupons of a type that have expired since the last time. Only those are looked at, each by the index of times of expiry,
    /// and where coupons expire together those before the cursor, which are claimed, are leapt over. Answers how many, and whether the pool
    /// was held by somebody and skipped.
    /// </summary>
    internal async Task<(long Purged, bool Skipped)> RunAsync(string type, HeldPool whenHeld, CancellationToken ct)
    {
        var walk = await BeginAsync(type, ct);
        var (at, after) = (walk.From, long.MaxValue);
        var total = 0L;
        while (true)
        {
            var page = await PageAsync(type, at, after, walk.Now, ct);
            if (page.Count == 0 && total == 0 && at == walk.From)
                return (0, false);
            var ids = page.Where(coupon => coupon.Position >= walk.Cursor).Select(coupon => coupon.Id).ToArray();
            if (ids.Length > 0)
            {
                if (await PurgeAsync(type, ids, whenHeld, ct) is not { } purged)
                    return (total, true);
                total += purged;
            }
            if (page.Count < Page)
                break;
            (at, after) = (page[^1].ExpiresAt, Math.Max(page[^1].Position, walk.Cursor - 1));
        }
        await EndAsync(type, walk.Now, ct);
        return (total, false);
    }

    private Task<Walk> BeginAsync(string type, CancellationToken ct) =>
        module.Database.Background.Command("""
            select statement_timestamp(), least(expired_until, statement_timestamp()) - $2, next_position
            from promotions.coupon_types
            where name = $1
            """, type, Margin)
            .ReadOneAsync(row => new Walk(row.GetDateTime(0), row.GetDateTime(1), row.GetInt64(2)), ct);

    private Task<List<Expired>> PageAsync(string type, DateTime at, long after, DateTime now, CancellationToken ct) =>
        module.Database.Background.Command("""
            select id, expires_at, position
            from promotions.codes
            where type = $1 and (expires_at, position) > ($2, $3) and expires_at <= $4 and position is not null and purged_at is null
            order by expires_at, position
            limit $5
            """, type, at, after, now, Page)
            .ReadAllAsync(row => new Expired(row.GetGuid(0), row.GetDateTime(1), row.GetInt64(2)), ct);

    /// <summary>Purges coupons that the cursor has not come to meanwhile; null when somebody holds the pool.</summary>
    private async Task<long?> PurgeAsync(string type, Guid[] ids, HeldPool whenHeld, CancellationToken ct)
    {
        await using var unit = new Unit<PromotionsDb>(module.ForBackground, signals) { By = by };
        await unit.BeginAsync(ct);
        if (await CouponPool.HoldAsync(unit, type, whenHeld, ct) is (null, _))
            return null;
        var purged = await unit.Command("""
            update promotions.codes
            set purged_at = clock_timestamp()
            where id = any ($1) and purged_at is null and position >= (select next_position from promotions.coupon_types where name = $2)
            """, ids, type)
            .ExecuteAsync(ct);
        await CountAsync(unit, type, purged, ct);
        await unit.CommitAsync(ct);
        return purged;
    }

    /// <summary>
    /// Remembers how far the purge has come; where the pool is held in this moment, the same is looked at once more next time.
    /// </summary>
    private async Task EndAsync(string type, DateTime now, CancellationToken ct) =>
        await module.Database.Background.Command("""
            update promotions.coupon_types
            set expired_until = $2
            where name = (select name from promotions.coupon_types where name = $1 for update skip locked)
            """, type, now)
            .ExecuteAsync(ct);

    /// <summary>
    /// Purges a page of a range that the cursor passed over: what is not claimed in it has expired, and nobody comes back to it, so no pool
    /// is held. Answers how many; null when there is no such range that nobody works on.
    /// </summary>
    internal async Task<long?> GapAsync(CancellationToken ct)
    {
        await using var unit = new Unit<PromotionsDb>(module.ForBackground, signals) { By = by };
        await unit.BeginAsync(ct);
        var gap = await unit.Command("""
            select id, type, first, last
            from promotions.coupon_gaps
            order by id
            limit 1
            for update skip locked
            """)
            .ReadFirstAsync(row => new Gap(row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)), ct);
        if (gap is not var (id, type, first, last))
            return null;
        var (purged, to) = await unit.Command("""
            with page as materialized (
                select c.id, c.position
                from promotions.codes c
                where c.type = $1 and c.position >= $2 and c.position <= $3 and c.purged_at is null
                    and not exists (select from promotions.claims k where k.code_id = c.id)
                order by c.position
                limit $4
            ), gone as (
                update promotions.codes c
                set purged_at = clock_timestamp()
                where c.id = any (array(select id from page))
                returning c.position
            )
            select count(*), coalesce(max(position), 0)
            from gone
            """, type, first, last, Page)
            .ReadOneAsync(row => (row.GetInt64(0), row.GetInt64(1)), ct);
        await (purged < Page
            ? unit.Command("delete from promotions.coupon_gaps where id = $1", id)
            : unit.Command("update promotions.coupon_gaps set first = $2 where id = $1", id, to + 1))
            .ExecuteAsync(ct);
        await CountAsync(unit, type, purged, ct);
        await unit.CommitAsync(ct);
        return purged;
    }

    private static async Task CountAsync(Unit<PromotionsDb> unit, string type, long purged, CancellationToken ct)
    {
        if (purged == 0)
            return;
        var trip = new RoundTrip(unit);
        CouponCounts.Add(trip, type, purged: purged);
        await trip.RunAsync(ct);
        unit.Append(new CouponsPurged(CouponType.NameOf(type), purged));
    }
}
