namespace Boon.Contracts;

/// <summary>
/// A user placed an order. With a <paramref name="Code"/> it waits for that to be redeemed, else it is confirmed in the same instant.
/// </summary>
public sealed record OrderPlaced(Guid OrderId, Guid UserId, string Product, int Quantity, Money Total, string? Code) : IEvent
{
    public static string Name => "orders.order-placed.v1";
    string IEvent.AggregateType => "order";
    string IEvent.AggregateId => OrderId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An order stands: <paramref name="ToPay"/> is its total less the discount, if its code gave one.</summary>
public sealed record OrderConfirmed(
    Guid OrderId, Guid UserId, string Product, int Quantity, Money Total, string? Code, Money? Discount, Money ToPay) : IEvent
{
    public static string Name => "orders.order-confirmed.v1";
    string IEvent.AggregateType => "order";
    string IEvent.AggregateId => OrderId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// An order was rejected because its code was not redeemed; <paramref name="Reason"/> is that of the redemption, such as
/// <c>code-exhausted</c>.
/// </summary>
public sealed record OrderRejected(Guid OrderId, Guid UserId, string Code, string Reason) : IEvent, IRefusal
{
    public static string Name => "orders.order-rejected.v1";
    string IEvent.AggregateType => "order";
    string IEvent.AggregateId => OrderId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An order was cancelled by <paramref name="CancelledBy"/>; a use of its <paramref name="Code"/> is given back.</summary>
public sealed record OrderCancelled(Guid OrderId, Guid UserId, string? Code, Guid CancelledBy) : IEvent
{
    public static string Name => "orders.order-cancelled.v1";
    string IEvent.AggregateType => "order";
    string IEvent.AggregateId => OrderId.ToString();
    Guid? IEvent.UserId => UserId;
}
