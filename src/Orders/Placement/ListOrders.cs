namespace Boon.Orders.Placement;

/// <summary>Lists orders, newest first.</summary>
internal static class ListOrders
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/orders", Handle)
        .ForMembers().WithTags("Orders")
        .WithSummary("The caller's orders, newest first. Operators see those of all users, or of one user with `?userId=`.")
        .Produces<Page<OrderView>>();

    private static async Task<IResult> Handle(
        string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, OrdersDb db, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        var query = userId is null && caller.IsOperator() ? db.Orders : db.Orders.Where(order => order.UserId == user);
        if (before is { } id)
            query = query.Where(order => order.Id.CompareTo(id) < 0);
        var orders = await query.OrderByDescending(order => order.Id).Take(limit + 1).ToListAsync(ct);
        return TypedResults.Ok(PageQuery.Page(orders, limit, order => (Guid?)order.Id, OrderView.Of));
    }
}
