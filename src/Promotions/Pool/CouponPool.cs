using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Pool;

/// <summary>A coupon as it lies in its pool.</summary>
internal sealed record PooledCoupon(Guid Id, string Code, Benefit Benefit, int MaxUses, DateTime ExpiresAt, long Position);

/// <summary>What to do about a pool that somebody holds.</summary>
internal enum HeldPool
{
    /// <summary>Leave it at once.</summary>
    Skip,

    /// <summary>
    /// Wait for one's turn, for <see cref="CouponPool.BriefWait"/> at most: whoever only skips never gets a pool from which others claim
    /// all the time. The wait is shorter than the server needs to find two that wait for each other, so pools may be waited for in any
    /// order.
    /// </summary>
    WaitBriefly,
}

/// <summary>
/// The pool of one coupon type, held by this transaction: its rules, and its cursor, from which coupons are taken in upload order. Holding
/// it is what makes claims of one type exact; the cost of taking grows neither with the pool nor with its consumed part, for nothing before
/// the cursor is looked at.
/// </summary>
internal sealed class CouponPool
{
    /// <summary>Claims at the front of a queue of which one look refuses those that waited too long.</summary>
    private const int MostLate = 1_000;

    /// <summary>See <see cref="HeldPool.WaitBriefly"/>.</summary>
    internal static readonly TimeSpan BriefWait = TimeSpan.FromMilliseconds(200);

    private readonly Unit<PromotionsDb> unit;
    private readonly Queue<PooledCoupon> ready = new();
    private readonly ExpiredCoupons expired;
    private long next;
    private long readFrom;
    private bool readToEnd;

    private CouponPool(Unit<PromotionsDb> unit, string type, NpgsqlDataReader row)
    {
        this.unit = unit;
        Type = type;
        IsOncePerUser = !row.IsDBNull(0) && PromotionsDefences.OncePerUser.On;
        Pace = row.IsDBNull(1) ? null : new Pace(row.GetInt32(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4));
        next = readFrom = row.GetInt64(5);
        LastTicket = row.GetInt64(6);
        RecentGrants = row.GetFieldValue<DateTime[]>(7);
        expired = new ExpiredCoupons(unit, type);
    }

    internal string Type { get; }

    /// <summary>A user gets one coupon of this type, whatever they ask for.</summary>
    internal bool IsOncePerUser { get; }

    internal Pace? Pace { get; }

    internal long LastTicket { get; set; }

    /// <summary>
    /// When the last grants of a paced type were made, none of them in the future: after the database's clock was set back they count as
    /// made now.
    /// </summary>
    internal DateTime[] RecentGrants { get; set; }

    /// <summary>The database's clock when the pool was taken hold of.</summary>
    internal DateTime Now { get; private set; }

    /// <summary>The database's clock was set back since the last grant: <see cref="RecentGrants"/> is to be stored as it is now.</summary>
    internal bool ClockWentBack { get; private set; }

    /// <summary>
    /// Takes hold of a pool in a round trip; statements that follow see what was committed before. No pool: there is no such type, or it
    /// was skipped. The clock is read in a statement of its own: what the first one selects may be of before it waited.
    /// </summary>
    internal static SqlAnswer<CouponPool> Hold(RoundTrip trip, Unit<PromotionsDb> unit, string type, bool skipLocked = false)
    {
        var pool = trip.Add($"""
            select per_user, per_second, concurrency, max_queue, max_wait_seconds, next_position, last_ticket, recent_grants
            from promotions.coupon_types
            where name = $1
            for update {(skipLocked ? "skip locked" : "")}
            """, type)
            .First(row => new CouponPool(unit, type, row));
        trip.Add("select clock_timestamp()").Each(row => pool.Value?.ReadClock(row.GetDateTime(0)));
        return pool;
    }

    private void ReadClock(DateTime now)
    {
        Now = now;
        ClockWentBack = Array.Exists(RecentGrants, at => at > now);
        RecentGrants = Array.ConvertAll(RecentGrants, at => at < now ? at : now);
    }

    /// <summary>
    /// Refuses, and logs, the claims of a held type that waited too long. They are the first ones of the queue, so no more than those are
    /// looked at. A claim from the future was queued before the clock was set back: it waits from now on.
    /// </summary>
    internal static SqlStatement RefuseLate(RoundTrip trip, Unit<PromotionsDb> unit, string type) =>
        trip.Add("""
            with front as materialized (
                select k.id, k.created_at
                from promotions.claims k
                where k.type = $1 and k.state in ('queued', 'working')
                order by k.ticket
                limit $2
            ), late as (
                select f.id, f.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) as is_late
                from front f
                cross join promotions.coupon_types t
                where t.name = $1
                    and (f.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) or f.created_at > clock_timestamp())
            )
            update promotions.claims k
            set created_at = least(k.created_at, clock_timestamp()),
                state = case when l.is_late then 'refused' else k.state end,
                reason = case when l.is_late then 'timed-out' end,
                nth = case when l.is_late then -k.ticket else k.nth end,
                settled_at = case when l.is_late then clock_timestamp() end
            from late l
            where k.id = l.id and k.state = 'queued'
            returning k.id, k.user_id, k.state
            """, type, MostLate)
            .Each(row =>
            {
                if (row.GetString(2) == "refused")
                    unit.Append(new ClaimRefused(row.GetGuid(0), row.GetGuid(1), CouponType.NameOf(type), "timed-out"), traceParent: null);
            });

    /// <summary>Takes hold of a pool, and of nothing else. No pool: there is no such type, or somebody holds it.</summary>
    internal static async Task<(CouponPool? Pool, bool IsHeld)> HoldAsync(
        Unit<PromotionsDb> unit, string type, HeldPool whenHeld, CancellationToken ct)
    {
        try
        {
            var trip = new RoundTrip(unit);
            if (whenHeld == HeldPool.WaitBriefly)
            {
                trip.Add("savepoint before_pool");
                trip.Add($"set local lock_timeout = '{BriefWait.TotalMilliseconds}ms'");
            }
            var pool = Hold(trip, unit, type, skipLocked: whenHeld == HeldPool.Skip);
            var exists = trip.Add("select exists (select from promotions.coupon_types where name = $1)", type)
                .First(row => row.GetBoolean(0));
            if (whenHeld == HeldPool.WaitBriefly)
            {
                trip.Add("set local lock_timeout to default");
                trip.Add("release savepoint before_pool");
            }
            await trip.RunAsync(ct);
            return (pool.Value, IsHeld: !pool.Found && exists.Value);
        }
        catch (PostgresException error) when (whenHeld == HeldPool.WaitBriefly && error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await unit.Command("rollback to savepoint before_pool").ExecuteAsync(ct);
            return (null, IsHeld: true);
        }
    }

    /// <summary>True when a coupon is there to be taken; reads ahead for <paramref name="wanted"/> of them.</summary>
    internal async Task<bool> HasAsync(int wanted, CancellationToken ct)
    {
        if (ready.Count == 0)
            await ReadAsync(wanted, ct);
        return ready.Count > 0;
    }

    /// <summary>
    /// The next coupon in upload order that has not expired; null when the pool is empty. <paramref name="wanted"/>: how many more will be
    /// asked for.
    /// </summary>
    internal async Task<PooledCoupon?> TakeAsync(int wanted, CancellationToken ct)
    {
        if (!await HasAsync(wanted, ct))
            return null;
        var coupon = ready.Dequeue();
        next = coupon.Position + 1;
        return coupon;
    }

    /// <summary>
    /// Reads pages until there is a coupon, or no more. Few expired ones are purged on the way; many are passed over, and purged by and by.
    /// </summary>
    private async Task ReadAsync(int wanted, CancellationToken ct)
    {
        while (ready.Count == 0 && !readToEnd)
        {
            var page = await expired.PageAsync(readFrom, wanted, ct);
            foreach (var coupon in page.Good)
                ready.Enqueue(coupon);
            readFrom = page.Next;
            readToEnd = page.IsLast;
            // The cursor passes expired coupons for good, whether a good one comes after them or not.
            next = Math.Max(next, page.PassedTo ?? next);
        }
    }

    /// <summary>Stores the cursor and the counters, in a round trip.</summary>
    internal void Store(RoundTrip trip, int claimed)
    {
        trip.Add("""
            update promotions.coupon_types
            set next_position = $2, last_ticket = $3, recent_grants = $4
            where name = $1
            """, Type, next, LastTicket, SqlValue.Of(RecentGrants));
        var purged = expired.Store(trip, next);
        if (claimed > 0 || purged > 0)
            CouponCounts.Add(trip, Type, claimed: claimed, purged: purged);
        if (purged > 0)
            unit.Append(new CouponsPurged(CouponType.NameOf(Type), purged));
    }
}
