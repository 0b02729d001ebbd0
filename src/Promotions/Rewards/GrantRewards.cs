using Boon.Promotions.Claims;
using Boon.Promotions.Pool;

namespace Boon.Promotions.Rewards;

/// <summary>How far the rewards of a type were granted.</summary>
internal enum Granted
{
    /// <summary>As far as the pool goes.</summary>
    All,

    /// <summary>There may be more to do.</summary>
    More,

    /// <summary>Not at all: somebody holds the pool.</summary>
    Held,
}

/// <summary>
/// Grants the rewards of quests that are coupons: each is recorded first, then given coupons from the pool of its type, outside
/// <c>perUser</c> and without pace, in the order in which they were claimed. What a pool cannot give stays recorded, is logged as delayed
/// with the reason, and is granted when there are coupons again.
/// </summary>
internal static class GrantRewards
{
    /// <summary>Rewards looked at in one transaction.</summary>
    private const int Most = 500;

    /// <summary>Coupons given in one transaction: claims of the type wait for it.</summary>
    private const int MostCoupons = 1_000;

    /// <summary>Held pools that a batch waits for: together for a second at most.</summary>
    private const int MostWaits = 5;

    /// <summary>What a reward that waits can say; nothing at first.</summary>
    private static readonly string[] Unsaid = ["", "type-unknown", "sold-out"];

    private sealed record Pending(
        long Place, Guid QuestId, Guid UserId, int Number, int Quantity, int Granted, Guid EventId, string? TraceParent);

    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var claimed = new List<(LoggedEvent Event, RewardClaimed Reward, string Type)>();
        foreach (var e in events)
            if (e.Type == RewardClaimed.Name && e.As<RewardClaimed>() is var reward && reward.Item.StartsWith(
                RewardClaimed.CouponPrefix, StringComparison.Ordinal))
                claimed.Add((e, reward, reward.Item[RewardClaimed.CouponPrefix.Length..]));
        if (claimed.Count == 0)
            return BatchEffect.None;
        await unit.Command("""
            insert into promotions.coupon_rewards (user_id, quest_id, number, type, quantity, event_id, trace_parent)
            select user_id, quest_id, number, type, quantity, event_id, trace_parent
            from unnest($1, $2, $3, $4, $5, $6, $7) with ordinality r (user_id, quest_id, number, type, quantity, event_id, trace_parent,
                place)
            order by place
            on conflict (user_id, quest_id, number) do nothing
            """,
            claimed.Column(one => one.Reward.UserId), claimed.Column(one => one.Reward.QuestId), claimed.Column(one => one.Reward.Number),
            claimed.Column(one => one.Type), claimed.Column(one => one.Reward.Quantity), claimed.Column(one => one.Event.Id),
            claimed.Column(one => one.Event.TraceParent))
            .ExecuteAsync(ct);
        // A pool that somebody holds delays no other type: what it is to give stays recorded, in its order, and is granted by whoever holds
        // the pool next.
        var held = new List<string>();
        foreach (var type in claimed.Select(one => one.Type).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            if (await GrantAsync(unit, type, HeldPool.Skip, ct) == Granted.Held)
                held.Add(type);
        foreach (var type in held.Take(MostWaits))
            await GrantAsync(unit, type, HeldPool.WaitBriefly, ct);
        return BatchEffect.Written;
    }

    /// <summary>Grants what is recorded for a type, as far as its pool and one transaction go.</summary>
    internal static async Task<Granted> GrantAsync(Unit<PromotionsDb> unit, string type, HeldPool whenHeld, CancellationToken ct)
    {
        var (pool, isHeld) = await CouponPool.HoldAsync(unit, type, whenHeld, ct);
        if (isHeld)
            return Granted.Held;
        var (pending, claims) = (new List<Pending>(), new List<NewClaim>());
        if (pool is not null && await pool.HasAsync(MostCoupons, ct))
            pending = await PendingAsync(unit, type, ct);
        var given = new int[pending.Count];
        for (var i = 0; i < pending.Count && claims.Count < MostCoupons; i++)
        {
            var reward = pending[i];
            while (reward.Granted + given[i] < reward.Quantity && claims.Count < MostCoupons && await pool!.TakeAsync(
                MostCoupons - claims.Count, ct) is { } coupon)
            {
                var id = OrderedId.New();
                claims.Add(new NewClaim(id, reward.UserId, coupon.Position, coupon.Id, null));
                unit.Append(new CouponClaimed(id, reward.UserId, type, coupon.Code, coupon.ExpiresAt), reward.TraceParent, reward.EventId);
                given[i]++;
            }
            if (reward.Granted + given[i] == reward.Quantity)
                unit.Append(new RewardGranted(reward.QuestId, reward.UserId, reward.Number, type, reward.Quantity), reward.TraceParent,
                    reward.EventId);
        }
        // Asked before the pool is stored: looking may pass, and purge, expired coupons.
        var left = pool is not null && await pool.HasAsync(1, ct);
        var store = new RoundTrip(unit);
        if (pool is not null)
            ClaimBatch.Store(store, pool, claims, rewards: true);
        Store(store, pending, given);
        await store.RunAsync(ct);
        if (left)
            return claims.Count == MostCoupons || pending.Count == Most ? Granted.More : Granted.All;
        await DelayAsync(unit, type, pool is null ? "type-unknown" : "sold-out", ct);
        return Granted.All;
    }

    private static void Store(RoundTrip trip, List<Pending> pending, int[] given)
    {
        if (pending.Count > 0)
            trip.Add("""
                update promotions.coupon_rewards r
                set granted = r.granted + k.given, granted_at = case when r.granted + k.given = r.quantity then now() end
                from unnest($1, $2) k (place, given)
                cross join lateral (
                    select x.ctid
                    from promotions.coupon_rewards x
                    where x.place = k.place and k.given > 0
                    offset 0) at
                where r.ctid = at.ctid
                """, pending.Column(reward => reward.Place), given)
                .MustTouch(given.Count(count => count > 0), "A reward that was to be granted is not there.");
    }

    /// <summary>Notes why what is recorded for a type waits, and logs it for those of whom it was not known.</summary>
    private static Task DelayAsync(Unit<PromotionsDb> unit, string type, string reason, CancellationToken ct) =>
        unit.Command("""
            update promotions.coupon_rewards
            set reason = $2
            where type = $1 and granted_at is null and coalesce(reason, '') = any ($3)
            returning quest_id, user_id, number, trace_parent, event_id
            """, type, reason, Unsaid.Where(other => other != reason).ToArray())
            .ReadEachAsync(
                row => unit.Append(
                    new RewardDelayed(row.GetGuid(0), row.GetGuid(1), row.GetInt32(2), type, reason), row.GetNullable<string>(3),
                    row.GetGuid(4)), ct);

    /// <summary>What waits for a type, the oldest first. Who holds its pool is alone with it.</summary>
    private static Task<List<Pending>> PendingAsync(Unit<PromotionsDb> unit, string type, CancellationToken ct) =>
        unit.Command("""
            select place, quest_id, user_id, number, quantity, granted, event_id, trace_parent
            from promotions.coupon_rewards
            where type = $1 and granted_at is null
            order by place
            limit $2
            """, type, Most)
            .ReadAllAsync(row => new Pending(
                row.GetInt64(0), row.GetGuid(1), row.GetGuid(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5), row.GetGuid(6),
                row.GetNullable<string>(7)), ct);
}
