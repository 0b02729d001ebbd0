namespace Boon.Orders.Placement;

/// <summary>Cancels an order; if its code was redeemed, or is about to be, the use is given back through the log, once.</summary>
internal static class CancelOrder
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/orders/{id}/cancel", Handle)
        .WithUnit<OrdersDb>().ForMembers().WithTags("Orders")
        .WithSummary("Cancels a pending or confirmed order, and gives the use of its code back, once. Cancelling it again gives the same "
            + "answer and changes nothing.")
        .WithDescription("409 `order-rejected`: a rejected order has nothing to cancel.")
        .Produces<OrderView>()
        .Refuses(StatusCodes.Status409Conflict, "order-rejected");

    private static async Task<IResult> Handle(string id, ClaimsPrincipal caller, Unit<OrdersDb> unit, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var orderId))
            return Problems.NotFound("order");
        await unit.BeginAsync(ct);
        if (await GetOrder.FindAsync(unit.Db, orderId, caller, ct) is not { } order)
            return Problems.NotFound("order");
        // Whoever changes the state first wins: a result that comes after this finds no pending order.
        var cancelled = await unit.Command("""
            update orders.orders
            set state = 'cancelled', cancelled_at = now()
            where id = $1 and state in ('pending', 'confirmed')
            """, orderId)
            .ExecuteAsync(ct);
        if (cancelled == 1)
            unit.Append(new OrderCancelled(orderId, order.UserId, order.Code, caller.UserId()));
        order = (await GetOrder.FindAsync(unit.Db, orderId, caller, ct))!;
        return order.State == Order.Rejected
            ? Problems.Of(StatusCodes.Status409Conflict, "order-rejected", "This order was rejected: there is nothing to cancel.")
            : TypedResults.Ok(OrderView.Of(order));
    }
}
