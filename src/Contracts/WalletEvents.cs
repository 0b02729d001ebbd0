namespace Boon.Contracts;

/// <summary>
/// A user's wallet got <paramref name="Amount"/> of <paramref name="Item"/> (<c>gold</c> or <c>diamond</c>) for completion
/// <paramref name="Number"/> of a quest.
/// </summary>
public sealed record WalletCredited(Guid EntryId, Guid UserId, string Item, long Amount, Guid QuestId, int Number) : IEvent
{
    public static string Name => "wallet.wallet-credited.v1";
    string IEvent.AggregateType => "wallet";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// <paramref name="Amount"/> of <paramref name="Item"/> (<c>gold</c> or <c>diamond</c>) was taken from a user's wallet, because completion
/// <paramref name="Number"/> of a quest was withdrawn.
/// </summary>
public sealed record WalletDebited(Guid EntryId, Guid UserId, string Item, long Amount, Guid QuestId, int Number) : IEvent
{
    public static string Name => "wallet.wallet-debited.v1";
    string IEvent.AggregateType => "wallet";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}
