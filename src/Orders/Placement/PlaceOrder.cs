using Boon.Orders.Customers;

namespace Boon.Orders.Placement;

/// <summary>
/// Places an order: without a code it is confirmed at once; with one it waits for the redemption, which follows through the log.
/// </summary>
internal static class PlaceOrder
{
    /// <summary>The body of POST /v1/orders.</summary>
    /// <param name="Product">What is ordered: 1 to 100 characters; a code can be for some products only.</param>
    /// <param name="Quantity">How many: 1 to 1,000,000.</param>
    /// <param name="Total">What all of it costs.</param>
    /// <param name="Code">A voucher or coupon of the user.</param>
    /// <param name="UserId">For operators: who orders.</param>
    /// <example>{"product": "shoes", "quantity": 1, "total": {"amount": 5005, "currency": "USD"}}</example>
    internal sealed record Request(
        [Required, Length(1, Order.LongestProduct)] string? Product, [Required, Range(1, Order.LargestQuantity)] int? Quantity,
        [Required] Price? Total,
        [Length(1, Order.LongestCode)] string? Code, Guid? UserId);

    /// <summary>An amount of money.</summary>
    /// <param name="Amount">In minor units, such as cents.</param>
    /// <param name="Currency">ISO 4217, such as <c>USD</c>.</param>
    internal sealed record Price(
        [Required, Range(1L, Money.LargestAmount)] long? Amount, [Required, RegularExpression(Money.CurrencyPattern)] string? Currency);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/orders", Handle)
        .WithUnit<OrdersDb>(idempotent: true).ForMembers().WithTags("Orders")
        .WithSummary("Places an order for the caller, or for `userId` if the caller is an operator.")
        .WithDescription("Without a code: 201 `confirmed`. With a code: 202 `pending`; GET shows the result, and waits for it with "
            + "`Prefer: wait=10`. 404 `user-unknown`: there is no such user. 503 `source-behind`: that cannot be told at the moment.")
        .Produces<OrderView>(StatusCodes.Status201Created).Produces<OrderView>(StatusCodes.Status202Accepted)
        .Refuses(StatusCodes.Status404NotFound, "user-unknown")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "source-behind");

    private static readonly TimeSpan BehindRetry = TimeSpan.FromSeconds(2);

    private static async Task<IResult> Handle(
        Request request, HttpContext http, ClaimsPrincipal caller, Unit<OrdersDb> unit, KnownUsers users, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Product, "product", 1, Order.LongestProduct);
        if (validation.Require(request.Quantity, "quantity"))
            validation.Check(request.Quantity is >= 1 and <= Order.LargestQuantity, "quantity", $"must be 1 to {Order.LargestQuantity}");
        if (validation.Require(request.Total, "total"))
            validation.Money(request.Total.Amount, "total.amount", request.Total.Currency, "total.currency");
        var code = request.Code?.Trim();
        validation.Text(code, "code", 1, Order.LongestCode, required: false);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        // A token proves who calls: somebody who registered a moment ago may not have arrived here yet.
        var user = request.UserId ?? caller.UserId();
        var known = user != caller.UserId() && !caller.IsOperator() ? false
            : user == caller.UserId() && OrdersDefences.TokenProves.On ? true : await users.KnowsAsync(user, ct);
        if (known is null)
            return Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "source-behind",
                "This user is not known here, and not all that Identity has logged has arrived; try again.", BehindRetry);
        if (known is false)
            return Problems.Of(StatusCodes.Status404NotFound, "user-unknown", "There is no such user.");

        await unit.BeginAsync(ct);
        var (id, total, confirmed) =
            (OrderedId.New(), new Money(request.Total!.Amount!.Value, request.Total.Currency!), code is null);
        var state = confirmed ? Order.Confirmed : Order.Pending;
        var placed = unit.Append(new OrderPlaced(id, user, request.Product!, request.Quantity!.Value, total, code));
        if (confirmed)
            unit.Append(new OrderConfirmed(id, user, request.Product!, request.Quantity.Value, total, null, null, total),
                System.Diagnostics.Activity.Current?.Id, placed);
        DateTimeOffset at = await unit.Command("""
            insert into orders.orders (id, user_id, product, quantity, amount, currency, code, state, placed_event, settled_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $8 = 'confirmed' then now() end)
            returning placed_at
            """, id, user, request.Product, request.Quantity.Value, total.Amount, total.Currency, code, state, placed)
            .ScalarAsync<DateTime>(ct);
        var order = new OrderView(
            id, user, request.Product!, request.Quantity.Value, total, code, state, confirmed
                ? null : OrderView.Redemption, null, confirmed ? total : null, null, at, confirmed ? at : null, null);
        if (confirmed)
            return TypedResults.Created($"/v1/orders/{id}", order);
        GetOrder.RetryAfter(http, state);
        return TypedResults.Accepted($"/v1/orders/{id}", order);
    }
}
