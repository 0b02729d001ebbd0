namespace Boon.Quests.Progress;

/// <summary>
/// Takes completions back. One that was claimed stays in the history as withdrawn; one that was not is gone, and can no longer be claimed.
/// </summary>
internal static class WithdrawCompletions
{
    /// <summary>What a completion gave, and whether it was claimed.</summary>
    internal sealed record Withdrawn(Guid RewardId, string Item, int Quantity, bool Claimed);

    private const string Places = """
        select x.place
        from unnest($1, $2, $3) k (quest_id, user_id, number)
        cross join lateral (
            select c.place
            from quests.completions c
            where c.user_id = k.user_id and c.quest_id = k.quest_id and c.number = k.number
            offset 0) x
        """;

    internal static async Task<Dictionary<(Guid QuestId, Guid UserId, int Number), Withdrawn>> RunAsync(
        Unit<QuestsDb> unit, List<(Guid QuestId, Guid UserId, int Number)> completions, CancellationToken ct)
    {
        var withdrawn = new Dictionary<(Guid, Guid, int), Withdrawn>();
        if (completions.Count == 0)
            return withdrawn;
        NpgsqlCommand At(string sql) => unit.Command(
            sql, completions.Column(one => one.QuestId), completions.Column(one => one.UserId), completions.Column(one => one.Number));
        var claimed = new HashSet<long>();
        if (!QuestsDefences.WithdrawalSeesClaim.On)
            await At($"select place from quests.completions where place = any (array({Places})) and claimed_at is not null")
                .ReadEachAsync(row => claimed.Add(row.GetInt64(0)), ct);
        FaultPoints.Reach("withdraw");
        // A claim that is under way is waited for: what the row says then is what became of it.
        var unclaimed = new List<long>();
        await At($"""
            update quests.completions c
            set withdrawn_at = now()
            from quests.rewards w
            where w.id = c.reward_id and c.withdrawn_at is null and c.place = any (array({Places}))
            returning c.quest_id, c.user_id, c.number, w.id, w.item, w.quantity, c.claimed_at is not null, c.place
            """)
            .ReadEachAsync(row =>
            {
                var (place, wasClaimed) = (row.GetInt64(7), row.GetBoolean(6));
                if (!wasClaimed)
                    unclaimed.Add(place);
                withdrawn.Add(
                    (row.GetGuid(0), row.GetGuid(1), row.GetInt32(2)), new Withdrawn(
                        row.GetGuid(3), row.GetString(4), row.GetInt32(5),
                        QuestsDefences.WithdrawalSeesClaim.On ? wasClaimed : claimed.Contains(place)));
            }, ct);
        if (withdrawn.Count != completions.Count)
            throw new DbUpdateConcurrencyException("A completion that was to be withdrawn is not there.");
        if (unclaimed.Count > 0)
            await unit.Command("delete from quests.completions where place = any ($1)", unclaimed.ToArray()).ExecuteAsync(ct);
        return withdrawn;
    }
}
