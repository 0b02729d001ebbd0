using Boon.Promotions.Codes;

namespace Boon.Promotions.Pool;

/// <summary>A page of a pool.</summary>
/// <param name="Good">Coupons that have not expired, in upload order.</param>
/// <param name="Next">The position after what was looked at.</param>
/// <param name="IsLast">Nothing comes after it.</param>
/// <param name="PassedTo">Everything before this position has expired, or is among what was given earlier; null: nothing expired was
/// met.</param>
internal sealed record PoolPage(List<PooledCoupon> Good, long Next, bool IsLast, long? PassedTo);

/// <summary>
/// Reads a pool past its expired coupons, for one transaction that holds it. A few are purged on the spot. Many (all of an upload may
/// expire in one instant) are passed over: their range becomes a row of <c>coupon_gaps</c>, and <see cref="CouponPurge"/> purges it later,
/// in pages, without holding the pool.
/// </summary>
internal sealed class ExpiredCoupons(Unit<PromotionsDb> unit, string type)
{
    /// <summary>Coupons that one transaction purges itself, about: claims of the type wait for it.</summary>
    private const int Few = 500;

    /// <summary>Coupons read at a time when some of the first ones have expired.</summary>
    private const int SmallestPage = 100;

    /// <summary>Positions looked at in one statement, where nothing better than looking is known.</summary>
    private const int Window = 20_000;

    /// <summary>Times of expiry that are tried to find the next good coupon.</summary>
    private const int MostTimes = 1_000;

    private long purged;
    private long? gapFrom;

    /// <summary>
    /// Reads a page from a position on, or more of what comes after it; <paramref name="wanted"/>: how many coupons are asked for.
    /// </summary>
    internal Task<PoolPage> PageAsync(long from, int wanted, CancellationToken ct)
    {
        if (gapFrom is null && purged < Few)
            return PurgingAsync(from, purged == 0 ? wanted : Math.Max(wanted, SmallestPage), ct);
        gapFrom ??= from;
        return PassingAsync(from, wanted, ct);
    }

    private async Task<PoolPage> PurgingAsync(long from, int limit, CancellationToken ct)
    {
        var (good, expired) = (new List<PooledCoupon>(), new List<Guid>());
        var next = from;
        await unit.Command("""
            select id, coalesce(shown, code), benefit, max_uses, expires_at, position, expires_at <= clock_timestamp()
            from promotions.codes
            where type = $1 and position >= $2 and purged_at is null
            order by position
            limit $3
            """, type, from, limit)
            .ReadEachAsync(row =>
            {
                next = row.GetInt64(5) + 1;
                if (row.GetBoolean(6))
                    expired.Add(row.GetGuid(0));
                else
                    good.Add(Read(row));
            }, ct);
        var isLast = good.Count + expired.Count < limit;
        if (expired.Count == 0)
            return new PoolPage(good, next, isLast, null);
        purged += await unit.Command("update promotions.codes set purged_at = clock_timestamp() where id = any ($1)", expired)
            .ExecuteAsync(ct);
        return new PoolPage(good, next, isLast, good.Count > 0 ? good[0].Position : next);
    }

    /// <summary>Finds where the next good coupon lies without looking at those before it, and reads on from there.</summary>
    private async Task<PoolPage> PassingAsync(long from, int wanted, CancellationToken ct)
    {
        var (first, last) = await FindAsync(from, ct);
        if (first is not { } start)
            return new PoolPage([], last + 1, IsLast: true, last + 1);
        // Not beyond the last position that was seen before this look: uploads that come meanwhile have higher ones.
        var end = Math.Min(start + Window, last + 1);
        var good = await unit.Command("""
            select id, coalesce(shown, code), benefit, max_uses, expires_at, position
            from promotions.codes
            where type = $1 and position >= $2 and position < $3 and purged_at is null and expires_at > clock_timestamp()
            order by position
            limit $4
            """, type, start, end, wanted)
            .ReadAllAsync(Read, ct);
        var next = good.Count == wanted ? good[^1].Position + 1 : end;
        return new PoolPage(good, next, next > last, good.Count > 0 ? good[0].Position : next);
    }

    /// <summary>
    /// The first position from one on that can hold a good coupon (null: none does), and the last position of the pool. Coupons that expire
    /// at one time lie in the index in the order of their positions, so each time of expiry that is yet to come is one look. Where there
    /// are too many of those times, it answers the next position.
    /// </summary>
    private async Task<(long? First, long Last)> FindAsync(long from, CancellationToken ct)
    {
        var (first, tooMany, next, last) = await unit.Command("""
            with recursive times (expires_at, n) as (
                (select c.expires_at, 1
                from promotions.codes c
                where c.type = $1 and c.expires_at > statement_timestamp() and c.position is not null and c.purged_at is null
                order by c.expires_at, c.position
                limit 1)
                union all
                select (
                    select c.expires_at
                    from promotions.codes c
                    where c.type = $1 and c.expires_at > t.expires_at and c.position is not null and c.purged_at is null
                    order by c.expires_at, c.position
                    limit 1), t.n + 1
                from times t
                where t.expires_at is not null and t.n <= $3
            ), firsts as (
                select t.n, case when c.expires_at = t.expires_at then c.position end as position
                from times t
                left join lateral (
                    select x.expires_at, x.position
                    from promotions.codes x
                    where x.type = $1 and (x.expires_at, x.position) >= (t.expires_at, $2) and x.position is not null
                    and x.purged_at is null
                    order by x.expires_at, x.position
                    limit 1
                ) c on true
            )
            select min(f.position), coalesce(max(f.n), 0) > $3, (
                    select c.position
                    from promotions.codes c
                    where c.type = $1 and c.position >= $2 and c.purged_at is null
                    order by c.position
                    limit 1), (
                    select c.position
                    from promotions.codes c
                    where c.type = $1 and c.position >= $2 and c.purged_at is null
                    order by c.position desc
                    limit 1)
            from firsts f
            """, type, from, MostTimes)
            .ReadOneAsync(row => (row.GetNullable<long>(0), row.GetBoolean(1), row.GetNullable<long>(2), row.GetNullable<long>(3)), ct);
        return (tooMany ? next : first, last ?? from - 1);
    }

    private static PooledCoupon Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetString(1), Benefits.Parse(reader.GetFieldValue<byte[]>(2)), reader.GetInt32(3), reader.GetDateTime(4),
        reader.GetInt64(5));

    /// <summary>
    /// Stores what was passed over, up to the pool's new cursor, in a round trip; answers how many coupons were purged on the spot.
    /// </summary>
    internal long Store(RoundTrip trip, long cursor)
    {
        if (gapFrom is { } first && first < cursor)
            trip.Add("insert into promotions.coupon_gaps (type, first, last) values ($1, $2, $3)", type, first, cursor - 1);
        gapFrom = null;
        return Interlocked.Exchange(ref purged, 0);
    }
}
