namespace Boon.Orders.Placement;

/// <summary>Shows an order; with <c>Prefer: wait=10</c>, as soon as it is no longer pending, or after that many seconds.</summary>
internal static class GetOrder
{
    private static readonly string[] Settled = [OrderConfirmed.Name, OrderRejected.Name, OrderCancelled.Name];

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/orders/{id}", Handle)
        .ForMembers().WithTags("Orders")
        .WithSummary("An order of the caller, or any order for an operator: `pending`, `confirmed`, `rejected` or `cancelled`.")
        .WithDescription("A pending order says what it is `waitingFor` and has Retry-After; `Prefer: wait=10` waits up to 10 seconds (at "
            + "most 30) for the result. A confirmed order has `toPay`, and `discount` if its code gave one. A rejected order has the "
            + "`reason` of the redemption.")
        .Produces<OrderView>()
        .DescribesWait("as long as the order is pending");

    private static async Task<IResult> Handle(string id, HttpContext http, ClaimsPrincipal caller, OrdersDb db, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var orderId))
            return Problems.NotFound("order");
        var order = await LongPoll.WaitAsync<Order>(
            http, new(OrdersModule.ModuleName, orderId, Settled, stop => FindAsync(db, orderId, caller, stop), found =>
                found.State == Order.Pending), ct);
        if (order is null)
            return Problems.NotFound("order");
        RetryAfter(http, order.State);
        return TypedResults.Ok(OrderView.Of(order));
    }

    /// <summary>An order that the caller may see.</summary>
    internal static async Task<Order?> FindAsync(OrdersDb db, Guid id, ClaimsPrincipal caller, CancellationToken ct) =>
        await db.Orders.AsNoTracking().FirstOrDefaultAsync(order => order.Id == id, ct) is { } order
            && (order.UserId == caller.UserId() || caller.IsOperator()) ? order : null;

    /// <summary>A pending order is worth another look soon.</summary>
    internal static void RetryAfter(HttpContext http, string state)
    {
        if (state == Order.Pending)
            http.Response.Headers.RetryAfter = "1";
    }
}
