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
    /// Wait for one's turn, for <see cref="CouponPool.BriefWait"/> at most: whoever only skips never gets a pool from which others claim all the time. The wait is shorter than
    /// the server needs to find two that wait for each other, so pools may be waited for in any order.
    /// </summary>
    WaitBriefly,
}

/// <summary>
/// The pool of one coupon type, held by this transaction: its rules, and its cursor, from which coupons are taken in upload order. Holding it is what makes
/// claims of one type exact; the cost of taking grows neither with the pool nor with its consumed part, for nothing before the cursor is looked at.
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

    private CouponPool(Unit<PromotionsDb> unit, string type, int? perUser, Pace? pace, long next)
    {
        this.unit = unit;
        Type = type;
        PerUser = perUser;
        Pace = pace;
        this.next = readFrom = next;
        expired = new ExpiredCoupons(unit, type);
    }

    internal string Type { get; }

    internal int? PerUser { get; }

    internal Pace? Pace { get; }

    internal long LastTicket { get; set; }

    /// <summary>When the last grants of a paced type were made, none of them in the future: after the database's clock was set back they count as made now.</summary>
    internal DateTime[] RecentGrants { get; set; } = [];

    /// <summary>The database's clock when the pool was taken hold of.</summary>
    internal DateTime Now { get; private init; }

    /// <summary>The database's clock was set back since the last grant: <see cref="RecentGrants"/> is to be stored as it is now.</summary>
    internal bool ClockWentBack { get; private init; }

    /// <summary>
    /// The statement that refuses the claims of a type that waited too long; <see cref="AppendTimedOutAsync"/> reads what it answers. They are the first ones of the
    /// queue, so no more than those are looked at. A claim from the future was queued before the clock was set back: it waits from now on.
    /// </summary>
    internal static NpgsqlBatchCommand TimeOutCommand(string type) => new("""
        with front as materialized (
            select k.id, k.created_at from promotions.claims k
            where k.type = $1 and k.state in ('queued', 'working')
            order by k.ticket limit $2
        ), late as (
            select f.id, f.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) as is_late
            from front f cross join promotions.coupon_types t
            where t.name = $1
                and (f.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) or f.created_at > clock_timestamp())
        )
        update promotions.claims k set
            created_at = least(k.created_at, clock_timestamp()),
            state = case when l.is_late then 'refused' else k.state end,
            reason = case when l.is_late then 'timed-out' end,
            nth = case when l.is_late then -k.ticket else k.nth end,
            settled_at = case when l.is_late then clock_timestamp() end
        from late l
        where k.id = l.id and k.state = 'queued'
        returning k.id, k.user_id, k.state
        """)
    { Parameters = { new() { Value = type }, new() { Value = MostLate } } };

    /// <summary>Logs what <see cref="TimeOutCommand"/> refused; answers whether it changed anything.</summary>
    internal static async Task<bool> AppendTimedOutAsync(Unit<PromotionsDb> unit, string type, NpgsqlDataReader reader, CancellationToken ct)
    {
        var changed = false;
        for (; await reader.ReadAsync(ct); changed = true)
            if (reader.GetString(2) == "refused")
                unit.Append(new ClaimRefused(reader.GetGuid(0), reader.GetGuid(1), CouponType.NameOf(type), "timed-out"), traceParent: null);
        return changed;
    }

    /// <summary>
    /// Adds the statements with which a transaction takes hold of a pool; others can follow in the same batch and see what was committed before. The clock is read in
    /// a statement of its own: what the first one selects may be of before it waited.
    /// </summary>
    internal static void AddHold(NpgsqlBatch batch, string type, bool skipLocked = false)
    {
        batch.BatchCommands.Add(new($"""
            select per_user, per_second, concurrency, max_queue, max_wait_seconds, next_position, last_ticket, recent_grants
            from promotions.coupon_types
            where name = $1
            for update{(skipLocked ? " skip locked" : "")}
            """)
        { Parameters = { new() { Value = type } } });
        batch.BatchCommands.Add(new("select clock_timestamp()"));
    }

    /// <summary>Reads the answers of <see cref="AddHold"/>; null when there is no such type, or when it was skipped.</summary>
    internal static async Task<CouponPool?> ReadHeldAsync(Unit<PromotionsDb> unit, string type, NpgsqlDataReader reader, CancellationToken ct)
    {
        if (!await reader.ReadAsync(ct))
        {
            await reader.NextResultAsync(ct);
            return null;
        }
        int? perUser = reader.IsDBNull(0) ? null : reader.GetInt32(0);
        var pace = reader.IsDBNull(1) ? null : new Pace(reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4));
        var (next, lastTicket, grants) = (reader.GetInt64(5), reader.GetInt64(6), reader.GetFieldValue<DateTime[]>(7));
        await reader.NextResultAsync(ct);
        await reader.ReadAsync(ct);
        var now = reader.GetDateTime(0);
        return new CouponPool(unit, type, perUser, pace, next)
        {
            LastTicket = lastTicket,
            RecentGrants = Array.ConvertAll(grants, at => at < now ? at : now),
            Now = now,
            ClockWentBack = Array.Exists(grants, at => at > now),
        };
    }

    /// <summary>Takes hold of a pool, and of nothing else. No pool: there is no such type, or somebody holds it.</summary>
    internal static async Task<(CouponPool? Pool, bool IsHeld)> HoldAsync(Unit<PromotionsDb> unit, string type, HeldPool whenHeld, CancellationToken ct)
    {
        try
        {
            await using var batch = new NpgsqlBatch(unit.Connection);
            if (whenHeld == HeldPool.WaitBriefly)
            {
                batch.BatchCommands.Add(new("savepoint before_pool"));
                batch.BatchCommands.Add(new($"set local lock_timeout = '{BriefWait.TotalMilliseconds}ms'"));
            }
            AddHold(batch, type, skipLocked: whenHeld == HeldPool.Skip);
            batch.BatchCommands.Add(new("select exists (select from promotions.coupon_types where name = $1)") { Parameters = { new() { Value = type } } });
            if (whenHeld == HeldPool.WaitBriefly)
            {
                batch.BatchCommands.Add(new("set local lock_timeout to default"));
                batch.BatchCommands.Add(new("release savepoint before_pool"));
            }
            await using var reader = await batch.ExecuteReaderAsync(ct);
            var pool = await ReadHeldAsync(unit, type, reader, ct);
            await reader.NextResultAsync(ct);
            await reader.ReadAsync(ct);
            return (pool, IsHeld: pool is null && reader.GetBoolean(0));
        }
        catch (PostgresException error) when (whenHeld == HeldPool.WaitBriefly && error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await using var back = unit.Command("rollback to savepoint before_pool");
            await back.ExecuteNonQueryAsync(ct);
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

    /// <summary>The next coupon in upload order that has not expired; null when the pool is empty. <paramref name="wanted"/>: how many more will be asked for.</summary>
    internal async Task<PooledCoupon?> TakeAsync(int wanted, CancellationToken ct)
    {
        if (!await HasAsync(wanted, ct))
            return null;
        var coupon = ready.Dequeue();
        next = coupon.Position + 1;
        return coupon;
    }

    /// <summary>Reads pages until there is a coupon, or no more. Few expired ones are purged on the way; many are passed over, and purged by and by.</summary>
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

    /// <summary>Adds the statements that store the cursor and the counters.</summary>
    internal void AddStore(NpgsqlBatch batch, int claimed)
    {
        batch.BatchCommands.Add(new("""
            update promotions.coupon_types set next_position = $2, last_ticket = $3, recent_grants = $4
            where name = $1
            """)
        {
            Parameters =
            {
                new() { Value = Type },
                new() { Value = next },
                new() { Value = LastTicket },
                new() { Value = RecentGrants, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
            },
        });
        var purged = expired.AddStore(batch, next);
        if (claimed > 0 || purged > 0)
            batch.BatchCommands.Add(CouponCounts.Change(Type, claimed: claimed, purged: purged));
        if (purged > 0)
            unit.Append(new CouponsPurged(CouponType.NameOf(Type), purged));
    }
}
