namespace Boon.Wallet.Entries;

/// <summary>
/// Credits what quests reward, and takes back what they withdraw: of each one entry for a completion, ever, whatever comes twice.
/// </summary>
internal static class CreditRewards
{
    private static readonly string[] Items = ["gold", "diamond"];

    /// <summary>
    /// An entry to be. <paramref name="Number"/> is negative for what is taken back, see <see cref="LedgerEntry.Number"/>.
    /// </summary>
    private sealed record NewEntry(LoggedEvent Cause, Guid UserId, string Item, long Amount, Guid QuestId, int Number);

    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<WalletDb> unit, CancellationToken ct)
    {
        var entries = new Dictionary<Guid, NewEntry>();
        foreach (var e in events)
            if (Read(e) is { } entry && Items.Contains(entry.Item))
                entries.Add(OrderedId.New(), entry);
        if (entries.Count == 0)
            return BatchEffect.None;
        var written = 0;
        await unit.Command($"""
            insert into wallet.ledger_entries (id, user_id, item, amount, quest_id, number, event_id)
            select *
            from unnest($1, $2, $3, $4, $5, $6, $7)
            {WalletDefences.OncePerCompletion.Sql("on conflict (user_id, quest_id, number) do nothing")}
            returning id
            """,
            entries.Keys.ToArray(),
            entries.Values.Column(entry => entry.UserId),
            entries.Values.Column(entry => entry.Item),
            entries.Values.Column(entry => entry.Amount),
            entries.Values.Column(entry => entry.QuestId),
            entries.Values.Column(entry => entry.Number),
            entries.Values.Column(entry => entry.Cause.Id))
            .ReadEachAsync(row =>
            {
                written++;
                Append(unit, row.GetGuid(0), entries[row.GetGuid(0)]);
            }, ct);
        return BatchEffect.Of(written > 0);
    }

    /// <summary>
    /// What is taken back is what the completion gave, and not what the ledger holds: so it does not matter which of the two comes first.
    /// </summary>
    private static NewEntry? Read(LoggedEvent e)
    {
        if (e.Type == RewardClaimed.Name && e.As<RewardClaimed>() is var reward)
            return new NewEntry(e, reward.UserId, reward.Item, reward.Quantity, reward.QuestId, reward.Number);
        if (e.Type == CompletionWithdrawn.Name && e.As<CompletionWithdrawn>() is { Claimed: true } gone)
            return new NewEntry(e, gone.UserId, gone.Item, -gone.Quantity, gone.QuestId, -gone.Number);
        return null;
    }

    private static void Append(Unit<WalletDb> unit, Guid id, NewEntry entry)
    {
        var (cause, user, item, amount, quest, number) = entry;
        if (amount > 0)
            unit.Append(new WalletCredited(id, user, item, amount, quest, number), cause);
        else
            unit.Append(new WalletDebited(id, user, item, -amount, quest, -number), cause);
    }
}
