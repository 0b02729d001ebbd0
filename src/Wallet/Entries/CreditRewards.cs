namespace Boon.Wallet.Entries;

/// <summary>Credits what quests reward: one entry for each completion, ever, whatever comes twice.</summary>
internal static class CreditRewards
{
    private static readonly string[] Items = ["gold", "diamond"];

    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<WalletDb> unit, CancellationToken ct)
    {
        var rewards = new Dictionary<Guid, (LoggedEvent Cause, RewardClaimed Reward)>();
        foreach (var e in events)
            if (e.Type == RewardClaimed.Name && e.As<RewardClaimed>() is var reward && Items.Contains(reward.Item))
                rewards.Add(Guid.CreateVersion7(), (e, reward));
        if (rewards.Count == 0)
            return BatchEffect.None;
        var credited = 0;
        await unit.Command($"""
            insert into wallet.ledger_entries (id, user_id, item, amount, quest_id, number, event_id)
            select *
            from unnest($1, $2, $3, $4, $5, $6, $7)
            {WalletDefences.OncePerCompletion.Sql("on conflict (user_id, quest_id, number) do nothing")}
            returning id
            """,
            rewards.Keys.ToArray(),
            rewards.Values.Column(one => one.Reward.UserId),
            rewards.Values.Column(one => one.Reward.Item),
            rewards.Values.Column(one => (long)one.Reward.Quantity),
            rewards.Values.Column(one => one.Reward.QuestId),
            rewards.Values.Column(one => one.Reward.Number),
            rewards.Values.Column(one => one.Cause.Id))
            .ReadEachAsync(row => Append(row.GetGuid(0)), ct);
        return BatchEffect.Of(credited > 0);

        void Append(Guid id)
        {
            credited++;
            var (cause, reward) = rewards[id];
            unit.Append(new WalletCredited(id, reward.UserId, reward.Item, reward.Quantity, reward.QuestId, reward.Number), cause);
        }
    }
}
