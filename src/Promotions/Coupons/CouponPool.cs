using System.Text.Json;

namespace Boon.Promotions.Coupons;

/// <summary>A coupon as it lies in its pool.</summary>
internal sealed record PooledCoupon(Guid Id, string Code, Benefit Benefit, int MaxUses, DateTime ExpiresAt, long Position);

/// <summary>
/// The pool of one coupon type, held by this transaction: its rules, and its cursor, from which coupons are taken in upload order. Holding it is what makes
/// claims of one type exact; the cost of taking grows neither with the pool nor with its consumed part, for nothing before the cursor is looked at.
/// </summary>
internal sealed class CouponPool
{
    /// <summary>Coupons read at a time when some of the first ones have expired.</summary>
    private const int PageOfExpired = 1_000;

    private readonly Unit<PromotionsDb> unit;
    private readonly Queue<PooledCoupon> ready = new();
    private long next;
    private long readFrom;
    private bool readToEnd;
    private long purged;

    private CouponPool(Unit<PromotionsDb> unit, string type, int? perUser, Pace? pace, long next, long lastTicket, DateTime[] recentGrants, DateTime now)
    {
        this.unit = unit;
        Type = type;
        PerUser = perUser;
        Pace = pace;
        this.next = readFrom = next;
        LastTicket = lastTicket;
        RecentGrants = recentGrants;
        Now = now;
    }

    internal string Type { get; }

    internal int? PerUser { get; }

    internal Pace? Pace { get; }

    internal long LastTicket { get; set; }

    /// <summary>When the last grants of a paced type were made, none of them in the future: after the database's clock was set back they count as made now.</summary>
    internal DateTime[] RecentGrants { get; set; }

    /// <summary>The database's clock when the pool was taken hold of.</summary>
    internal DateTime Now { get; }

    /// <summary>The database's clock was set back since the last grant: <see cref="RecentGrants"/> is to be stored as it is now.</summary>
    internal bool ClockWentBack { get; private init; }

    /// <summary>
    /// The statement that refuses the claims of a type that waited too long; <see cref="AppendTimedOutAsync"/> reads what it answers. A claim from the future was
    /// queued before the clock was set back: it waits from now on.
    /// </summary>
    internal static NpgsqlBatchCommand TimeOutCommand(string type) => new("""
        update promotions.claims k set
            created_at = least(k.created_at, clock_timestamp()),
            state = case when k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) then 'refused' else k.state end,
            reason = case when k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) then 'timed-out' end,
            nth = case when k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) then -k.ticket else k.nth end,
            settled_at = case when k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) then clock_timestamp() end
        from promotions.coupon_types t
        where t.name = $1 and k.type = t.name and k.state = 'queued'
            and (k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) or k.created_at > clock_timestamp())
        returning k.id, k.user_id, k.state
        """)
    { Parameters = { new() { Value = type } } };

    /// <summary>Logs what <see cref="TimeOutCommand"/> refused; answers whether it changed anything.</summary>
    internal static async Task<bool> AppendTimedOutAsync(Unit<PromotionsDb> unit, string type, NpgsqlDataReader reader, CancellationToken ct)
    {
        var changed = false;
        for (; await reader.ReadAsync(ct); changed = true)
            if (reader.GetString(2) == "refused")
                unit.Append(new ClaimRefused(reader.GetGuid(0), reader.GetGuid(1), ClaimBatch.NameOf(type), "timed-out"), traceParent: null);
        return changed;
    }

    /// <summary>The statement with which a transaction takes hold of a pool; others can follow in the same batch and see what was committed before.</summary>
    internal static NpgsqlBatchCommand HoldCommand(string type) => new("""
        select per_user, per_second, concurrency, max_queue, max_wait_seconds, next_position, last_ticket,
            array(select least(t, clock_timestamp()) from unnest(recent_grants) t), clock_timestamp(),
            exists (select from unnest(recent_grants) t where t > clock_timestamp())
        from promotions.coupon_types where name = $1 for update
        """)
    { Parameters = { new() { Value = type } } };

    /// <summary>Reads the answer of <see cref="HoldCommand"/>; null when there is no such type.</summary>
    internal static async Task<CouponPool?> ReadHeldAsync(Unit<PromotionsDb> unit, string type, NpgsqlDataReader reader, CancellationToken ct)
    {
        if (!await reader.ReadAsync(ct))
            return null;
        var pace = reader.IsDBNull(1) ? null : new Pace(reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4));
        return new CouponPool(unit, type, reader.IsDBNull(0) ? null : reader.GetInt32(0), pace, reader.GetInt64(5), reader.GetInt64(6), reader.GetFieldValue<DateTime[]>(7), reader.GetDateTime(8))
        { ClockWentBack = reader.GetBoolean(9) };
    }

    /// <summary>Takes hold of a pool, and of nothing else; null when there is no such type.</summary>
    internal static async Task<CouponPool?> HoldAsync(Unit<PromotionsDb> unit, string type, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(unit.Connection) { BatchCommands = { HoldCommand(type) } };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        return await ReadHeldAsync(unit, type, reader, ct);
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

    private async Task ReadAsync(int wanted, CancellationToken ct)
    {
        while (ready.Count == 0 && !readToEnd)
        {
            var expired = new List<Guid>();
            var read = 0;
            await using (var command = unit.Command("""
                select id, code, benefit, max_uses, expires_at, position, expires_at <= clock_timestamp() from promotions.codes
                where type = $1 and position >= $2 and purged_at is null order by position limit $3
                """, Type, readFrom, wanted))
            await using (var reader = await command.ExecuteReaderAsync(ct))
                for (; await reader.ReadAsync(ct); read++)
                {
                    readFrom = reader.GetInt64(5) + 1;
                    if (reader.GetBoolean(6))
                        expired.Add(reader.GetGuid(0));
                    else
                        ready.Enqueue(new PooledCoupon(reader.GetGuid(0), reader.GetString(1), Benefits.Parse(reader.GetFieldValue<byte[]>(2)), reader.GetInt32(3), reader.GetDateTime(4), reader.GetInt64(5)));
                }
            readToEnd = read < wanted;
            if (expired.Count > 0)
            {
                // The cursor passes them for good, so they are purged here and now.
                await using var purge = unit.Command("update promotions.codes set purged_at = now() where id = any ($1)", expired.ToArray());
                purged += await purge.ExecuteNonQueryAsync(ct);
                if (ready.Count == 0)
                    next = readFrom;
            }
            wanted = Math.Max(wanted, PageOfExpired);
        }
    }

    /// <summary>Adds the statements that store the cursor and the counters.</summary>
    internal void AddStore(NpgsqlBatch batch, int claimed)
    {
        batch.BatchCommands.Add(new("update promotions.coupon_types set next_position = $2, last_ticket = $3, recent_grants = $4 where name = $1")
        {
            Parameters = { new() { Value = Type }, new() { Value = next }, new() { Value = LastTicket }, new() { Value = RecentGrants, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz } },
        });
        if (claimed > 0 || purged > 0)
            batch.BatchCommands.Add(CouponCounts.Change(Type, claimed: claimed, purged: purged));
        if (purged > 0)
            unit.Append(new CouponsPurged(Type is CouponType.Untyped ? null : Type, purged));
        purged = 0;
    }
}

/// <summary>Benefits as they are stored.</summary>
internal static class Benefits
{
    internal static Benefit Parse(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, PromotionsJson.Default.Benefit)!;

    internal static byte[] Store(Benefit benefit) => JsonSerializer.SerializeToUtf8Bytes(benefit, PromotionsJson.Default.Benefit);
}
