namespace Boon.Wallet.Entries;

/// <summary>An entry of the ledger: written once, never changed.</summary>
internal sealed class LedgerEntry
{
    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }

    /// <summary><c>gold</c> or <c>diamond</c>.</summary>
    public required string Item { get; init; }
    public required long Amount { get; init; }

    /// <summary>The quest, and which completion of it by this user: the key by which a reward is credited once.</summary>
    public required Guid QuestId { get; init; }

    /// <summary>
    /// From 1 for what a completion gave. The same number, negative like the amount, for what was taken back of it: so one key says that
    /// both happen once.
    /// </summary>
    public required int Number { get; init; }

    /// <summary>The event that caused the entry: <c>quests.reward-claimed</c> or <c>quests.completion-withdrawn</c>.</summary>
    public required Guid EventId { get; init; }
    public DateTimeOffset CreatedAt { get; private set; }
}
