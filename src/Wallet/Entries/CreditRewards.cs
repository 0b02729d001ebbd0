namespace Boon.Wallet.Entries;

/// <summary>Credits what quests reward: one entry for each completion, ever, whatever comes twice.</summary>
internal static class CreditRewards
{
    private static readonly string[] Items = ["gold", "diamond"];

    internal static async Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<WalletDb> unit, CancellationToken ct)
    {
        var rewards = new Dictionary<Guid, (LoggedEvent Cause, RewardClaimed Reward)>();
        foreach (var e in events)
            if (e.Type == RewardClaimed.Name && e.As<RewardClaimed>() is var reward && Items.Contains(reward.Item))
                rewards.Add(Guid.CreateVersion7(), (e, reward));
        if (rewards.Count == 0)
            return;
        await using var insert = unit.Command($"""
            insert into wallet.ledger_entries (id, user_id, item, amount, quest_id, number, event_id)
            select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::int[], $7::uuid[])
            {(WalletDefences.OncePerCompletion ? "on conflict (user_id, quest_id, number) do nothing" : "")}
            returning id
            """,
            rewards.Keys.ToArray(), rewards.Values.Select(one => one.Reward.UserId).ToArray(), rewards.Values.Select(one => one.Reward.Item).ToArray(),
            rewards.Values.Select(one => (long)one.Reward.Quantity).ToArray(), rewards.Values.Select(one => one.Reward.QuestId).ToArray(),
            rewards.Values.Select(one => one.Reward.Number).ToArray(), rewards.Values.Select(one => one.Cause.Id).ToArray());
        await using var reader = await insert.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var id = reader.GetGuid(0);
            var (cause, reward) = rewards[id];
            unit.Append(new WalletCredited(id, reward.UserId, reward.Item, reward.Quantity, reward.QuestId, reward.Number), cause);
        }
    }
}
