namespace Boon.Orders.Placement;

/// <summary>An order.</summary>
internal sealed class Order
{
    internal const string Pending = "pending";
    internal const string Confirmed = "confirmed";
    internal const string Rejected = "rejected";
    internal const string Cancelled = "cancelled";

    internal const int LongestProduct = 100;
    internal const int LongestCode = 64;
    internal const int LargestQuantity = 1_000_000;

    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required string Product { get; init; }
    public required int Quantity { get; init; }

    /// <summary>What all of it costs before the discount, in minor units of <see cref="Currency"/>.</summary>
    public required long Amount { get; init; }
    public required string Currency { get; init; }
    public string? Code { get; init; }
    public required string State { get; init; }

    /// <summary>The order-placed event: what it caused elsewhere settles the order, and nothing else does.</summary>
    public required Guid PlacedEvent { get; init; }

    /// <summary>What the code took off, in minor units; null without a code or before it was redeemed.</summary>
    public long? Discount { get; init; }

    /// <summary>Why it was rejected.</summary>
    public string? Reason { get; init; }

    /// <summary>By the database's clock.</summary>
    public DateTimeOffset PlacedAt { get; private set; }

    /// <summary>When it was confirmed or rejected.</summary>
    public DateTimeOffset? SettledAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }

    internal Money Total => new(Amount, Currency);
}

/// <summary>An order, as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Product">What was ordered.</param>
/// <param name="Quantity">How many.</param>
/// <param name="Total">What all of it costs before the discount.</param>
/// <param name="Code">The code that it was placed with.</param>
/// <param name="State"><c>pending</c>, <c>confirmed</c>, <c>rejected</c> or <c>cancelled</c>.</param>
/// <param name="WaitingFor">What a pending order waits for: <c>redemption</c>, that of its code.</param>
/// <param name="Discount">What the code took off.</param>
/// <param name="ToPay">What is left to pay of a confirmed order.</param>
/// <param name="Reason">Why it was rejected: the reason of the redemption, such as <c>code-exhausted</c>.</param>
/// <param name="PlacedAt">When it was placed.</param>
/// <param name="SettledAt">When it was confirmed or rejected.</param>
/// <param name="CancelledAt">When it was cancelled.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "userId": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "product": "book", "quantity": 1,
/// "total": {"amount": 1000, "currency": "EUR"}, "code": "7KQM-2XRT-9FHB", "state": "confirmed", "discount": {"amount": 300,
/// "currency": "EUR"}, "toPay": {"amount": 700, "currency": "EUR"}, "placedAt": "2026-05-01T09:30:00Z", "settledAt":
/// "2026-05-01T09:30:00Z"}
/// </example>
/// <example status="202">
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "userId": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "product": "book", "quantity": 1,
/// "total": {"amount": 1000, "currency": "EUR"}, "code": "7KQM-2XRT-9FHB", "state": "pending", "waitingFor": "redemption",
/// "placedAt": "2026-05-01T09:30:00Z"}
/// </example>
public sealed record OrderView(
    Guid Id, Guid UserId, string Product, int Quantity, Money Total, string? Code,
    [AllowedValues(Order.Pending, Order.Confirmed, Order.Rejected, Order.Cancelled)] string State, string? WaitingFor, Money? Discount,
    Money? ToPay, string? Reason,
    DateTimeOffset PlacedAt, DateTimeOffset? SettledAt, DateTimeOffset? CancelledAt)
{
    /// <summary>What a pending order waits for.</summary>
    internal const string Redemption = "redemption";

    internal static OrderView Of(Order order) => new(
        order.Id, order.UserId, order.Product, order.Quantity, order.Total, order.Code, order.State, order.State == Order.Pending
            ? Redemption : null,
        order.Discount is { } discount ? new Money(discount, order.Currency) : null,
        order.State == Order.Confirmed ? new Money(order.Amount - (order.Discount ?? 0), order.Currency) : null,
        order.Reason, order.PlacedAt, order.SettledAt, order.CancelledAt);
}
