namespace Boon.Promotions.Redemptions;

/// <summary>
/// Promotions' part of an order: when one is placed with a code, redeems it for the order's user or refuses; when it is cancelled, gives
/// the use back. Each answer is caused by the order's event. An order is answered once, and not at all once its cancellation is known, in
/// whatever order and how often the two come.
/// </summary>
internal static class RedeemOrders
{
    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var coded = events.Select(e =>
            (Event: e, Placed: e.Type == OrderPlaced.Name
            ? e.As<OrderPlaced>() : null, Cancelled: e.Type == OrderCancelled.Name ? e.As<OrderCancelled>() : null))
            .Where(one => one.Placed?.Code is not null || one.Cancelled?.Code is not null).ToList();
        // In log order, so that a use that was given back is there for the next order; neighbours of one kind go together.
        for (var next = 0; next < coded.Count;)
        {
            var first = next;
            while (next < coded.Count && (coded[next].Placed is null) == (coded[first].Placed is null))
                next++;
            var run = coded[first..next];
            if (run[0].Placed is not null)
                await RedeemAsync(unit, run.ConvertAll(one => (one.Event, one.Placed!)), ct);
            else
                await ReleaseAsync(unit, run.DistinctBy(one => one.Cancelled!.OrderId)
                    .ToDictionary(one => one.Cancelled!.OrderId, one => one.Event), ct);
        }
        return BatchEffect.Of(coded.Count > 0);
    }

    private static async Task RedeemAsync(
        Unit<PromotionsDb> unit, List<(LoggedEvent Event, OrderPlaced Order)> placed, CancellationToken ct)
    {
        var recorded = await RecordAsync(unit, [.. placed.Select(one => one.Order.OrderId)], ct);
        if (PromotionsDefences.OncePerOrder.On)
            placed.RemoveAll(one => !recorded.Remove(one.Order.OrderId));
        if (placed.Count == 0)
            return;
        // A code that was good when the order was placed is, however late the event comes.
        var redeemed = await RedemptionBatch.RedeemAsync(unit, placed.ConvertAll(one => new RedemptionWish(
            one.Order.Code!, one.Order.UserId, one.Order.Total.Amount, one.Order.Total.Currency, one.Order.Product,
            one.Order.OrderId.ToString(), AllowZeroDiscount: false, one.Event.HappenedAt, one.Order.OrderId)), ct);
        foreach (var (one, answer) in placed.Zip(redeemed))
            answer.Append(unit, one.Event);
    }

    private static async Task ReleaseAsync(Unit<PromotionsDb> unit, Dictionary<Guid, LoggedEvent> cancelled, CancellationToken ct)
    {
        await RecordAsync(unit, [.. cancelled.Keys], ct);
        foreach (var released in await RedemptionBatch.ReleaseAsync(unit, RedemptionBatch.ByOrder, cancelled.Keys.ToArray(), ct))
            unit.Append(released.Event, cancelled[released.OrderId!.Value]);
    }

    /// <summary>Records that orders came by; answers those that had not.</summary>
    private static async Task<HashSet<Guid>> RecordAsync(Unit<PromotionsDb> unit, Guid[] orders, CancellationToken ct)
    {
        var recorded = new HashSet<Guid>(orders.Length);
        await unit.Command("""
            insert into promotions.seen_orders (order_id)
            select unnest($1)
            on conflict do nothing
            returning order_id
            """, orders)
            .ReadEachAsync(row => recorded.Add(row.GetGuid(0)), ct);
        return recorded;
    }
}
