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
