namespace Boon.Quests.Completions;

/// <summary>Learns from the logs of Wallet and Promotions what became of claimed rewards: granted, or waiting and why.</summary>
internal static class SettleRewards
{
    private readonly record struct Settled(Guid QuestId, Guid UserId, int Number, DateTime? GrantedAt, string? PendingReason);

    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<QuestsDb> unit, CancellationToken ct)
    {
        // The last word counts: a statement must not meet a row twice.
        var settled = new Dictionary<(Guid, Guid, int), Settled>();
        foreach (var e in events)
            if (Read(e) is { } one)
                settled[(one.QuestId, one.UserId, one.Number)] = one;
        if (settled.Count == 0)
            return BatchEffect.None;
        var missing = await unit.Command("""
            with found as materialized (
                select k.granted_at, k.pending_reason, at.ctid
                from unnest($1, $2, $3, $4, $5) k (quest_id, user_id, number, granted_at, pending_reason)
                cross join lateral (
                    select x.ctid
                    from quests.completions x
                    where x.user_id = k.user_id and x.quest_id = k.quest_id and x.number = k.number
                        and x.claimed_at is not null and x.granted_at is null
                    offset 0) at
            ), settled as (
                update quests.completions c
                set granted_at = k.granted_at, pending_reason = k.pending_reason
                from found k
                where c.ctid = k.ctid
                returning 1
            )
            select (select count(*) from found) - (select count(*) from settled)
            """,
            settled.Values.Column(one => one.QuestId),
            settled.Values.Column(one => one.UserId),
            settled.Values.Column(one => one.Number),
            settled.Values.Column(one => one.GrantedAt),
            settled.Values.Column(one => one.PendingReason))
            .ScalarAsync<long>(ct);
        if (missing != 0)
            throw new DbUpdateConcurrencyException($"{missing} completions moved while their rewards were settled.");
        return BatchEffect.Written;
    }

    private static Settled? Read(LoggedEvent e)
    {
        if (e.Type == WalletCredited.Name && e.As<WalletCredited>() is var credited)
            return new Settled(credited.QuestId, credited.UserId, credited.Number, e.Time, null);
        if (e.Type == RewardGranted.Name && e.As<RewardGranted>() is var granted)
            return new Settled(granted.QuestId, granted.UserId, granted.Number, e.Time, null);
        if (e.Type == RewardDelayed.Name && e.As<RewardDelayed>() is var delayed)
            return new Settled(delayed.QuestId, delayed.UserId, delayed.Number, null, delayed.Reason);
        return null;
    }
}
