using Boon.Promotions.Coupons;

namespace Boon.Promotions.Rewards;

/// <summary>
/// Grants the rewards of quests that are coupons: each is recorded first, then given coupons from the pool of its type, outside <c>perUser</c> and without pace, in the
/// order in which they were claimed. What a pool cannot give stays recorded, is logged as delayed with the reason, and is granted when there are coupons again.
/// </summary>
internal static class GrantRewards
{
    /// <summary>Rewards granted in one transaction.</summary>
    internal const int Most = 500;

    private sealed record Pending(long Place, Guid QuestId, Guid UserId, int Number, int Quantity, int Granted, Guid EventId, string? TraceParent, string? Reason);

    internal static async Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var claimed = new List<(LoggedEvent Event, RewardClaimed Reward, string Type)>();
        foreach (var e in events)
            if (e.Type == RewardClaimed.Name && e.As<RewardClaimed>() is var reward && reward.Item.StartsWith(RewardClaimed.CouponPrefix, StringComparison.Ordinal))
                claimed.Add((e, reward, reward.Item[RewardClaimed.CouponPrefix.Length..]));
        if (claimed.Count == 0)
            return;
        await using (var record = unit.Command("""
            insert into promotions.coupon_rewards (user_id, quest_id, number, type, quantity, event_id, trace_parent)
            select user_id, quest_id, number, type, quantity, event_id, trace_parent
            from unnest($1, $2, $3, $4, $5, $6, $7) with ordinality r (user_id, quest_id, number, type, quantity, event_id, trace_parent, place)
            order by place on conflict (user_id, quest_id, number) do nothing
            """,
            claimed.ConvertAll(one => one.Reward.UserId), claimed.ConvertAll(one => one.Reward.QuestId), claimed.ConvertAll(one => one.Reward.Number),
            claimed.ConvertAll(one => one.Type), claimed.ConvertAll(one => one.Reward.Quantity), claimed.ConvertAll(one => one.Event.Id),
            claimed.ConvertAll(one => one.Event.TraceParent)))
            await record.ExecuteNonQueryAsync(ct);
        // In one order everywhere, so that nobody waits for each other in a circle.
        foreach (var type in claimed.Select(one => one.Type).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            await GrantAsync(unit, type, ct);
    }

    /// <summary>Grants what is recorded for a type, as far as its pool goes; answers whether there may be more to do.</summary>
    internal static async Task<bool> GrantAsync(Unit<PromotionsDb> unit, string type, CancellationToken ct)
    {
        var pool = await CouponPool.HoldAsync(unit, type, ct);
        var pending = await PendingAsync(unit, type, ct);
        var given = new int[pending.Count];
        var claims = new List<NewClaim>();
        for (var i = 0; i < pending.Count; i++)
        {
            var reward = pending[i];
            while (pool is not null && reward.Granted + given[i] < reward.Quantity && await pool.TakeAsync(pending.Count - i, ct) is { } coupon)
            {
                var id = Guid.CreateVersion7();
                claims.Add(new NewClaim(id, reward.UserId, coupon.Position, coupon.Id, null));
                unit.Append(new CouponClaimed(id, reward.UserId, type, coupon.Code, coupon.ExpiresAt), reward.TraceParent, reward.EventId);
                given[i]++;
            }
            if (reward.Granted + given[i] == reward.Quantity)
                unit.Append(new RewardGranted(reward.QuestId, reward.UserId, reward.Number, type, reward.Quantity), reward.TraceParent, reward.EventId);
            else if (reward.Reason != Reason(pool))
                unit.Append(new RewardDelayed(reward.QuestId, reward.UserId, reward.Number, type, Reason(pool)), reward.TraceParent, reward.EventId);
        }
        if (pool is not null)
            await ClaimBatch.StoreAsync(unit, pool, claims, rewards: true, ct);
        await using var update = unit.Command("""
            update promotions.coupon_rewards r set granted = r.granted + k.given, reason = case when r.granted + k.given < r.quantity then $3 end,
                granted_at = case when r.granted + k.given = r.quantity then now() end
            from unnest($1, $2) k (place, given) where r.place = k.place and (k.given > 0 or r.reason is distinct from $3)
            """, pending.ConvertAll(reward => reward.Place), given, Reason(pool));
        await update.ExecuteNonQueryAsync(ct);
        return claims.Count > 0 && pending.Count == Most;
    }

    private static string Reason(CouponPool? pool) => pool is null ? "type-unknown" : "sold-out";

    /// <summary>What waits for a type. Who holds its pool is alone with it; an unknown type has none, and what this transaction recorded is locked anyway.</summary>
    private static async Task<List<Pending>> PendingAsync(Unit<PromotionsDb> unit, string type, CancellationToken ct)
    {
        await using var command = unit.Command("""
            select place, quest_id, user_id, number, quantity, granted, event_id, trace_parent, reason from promotions.coupon_rewards
            where type = $1 and granted_at is null order by place limit $2 for update
            """, type, Most);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var pending = new List<Pending>();
        while (await reader.ReadAsync(ct))
            pending.Add(new Pending(reader.GetInt64(0), reader.GetGuid(1), reader.GetGuid(2), reader.GetInt32(3), reader.GetInt32(4), reader.GetInt32(5), reader.GetGuid(6),
                reader.IsDBNull(7) ? null : reader.GetString(7), reader.IsDBNull(8) ? null : reader.GetString(8)));
        return pending;
    }
}
