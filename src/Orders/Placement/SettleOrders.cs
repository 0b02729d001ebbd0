namespace Boon.Orders.Placement;

/// <summary>
/// Ends what a placed order began: confirms it with the discount when its code was redeemed, rejects it with the reason when not. Only a
/// result that the order's own order-placed event caused counts, and only while the order is pending: whatever comes late, twice or from
/// elsewhere changes nothing.
/// </summary>
internal static class SettleOrders
{
    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<OrdersDb> unit, CancellationToken ct)
    {
        var results = new Dictionary<Guid, (LoggedEvent Event, long? Discount, string? Reason)>();
        foreach (var e in events)
        {
            var (discount, reason, reference) = e.Type == CodeRedeemed.Name && e.As<CodeRedeemed>() is var redeemed
                ? ((long?)redeemed.Discount, (string?)null, redeemed.Reference)
                : e.As<RedemptionRefused>() is var refused ? (null, refused.Reason, refused.Reference) : default;
            // Most redemptions that have a reference are those of orders; the cause alone proves it.
            var key = OrdersDefences.OwnResults.On ? e.CausationId : Guid.TryParse(reference, out var order) ? order : null;
            if (key is { } cause)
                results.TryAdd(cause, (e, discount, reason));
        }
        if (results.Count == 0)
            return BatchEffect.None;
        // In log order, as the results came. An order that is cancelled at this moment is waited for, and then it is not pending.
        long found = 0, settled = 0;
        await unit.Command($"""
            with found as materialized (
                select k.*, at.ctid
                from unnest($1, $2, $3) with ordinality k (cause, discount, reason, place)
                cross join lateral (
                    select x.ctid
                    from orders.orders x
                    where x.{OrdersDefences.OwnResults.Sql("placed_event", without: "id")} = k.cause
                        {OrdersDefences.PendingOnly.Sql("and x.state = 'pending'")}
                    offset 0
                    for update) at
            ), settled as (
                update orders.orders o
                set state = case when k.reason is null then 'confirmed' else 'rejected' end,
                    discount = k.discount, reason = k.reason, settled_at = now()
                from found k
                where o.ctid = k.ctid
                returning k.place, k.cause, o.id, o.user_id, o.product, o.quantity, o.amount, o.currency, o.code, o.discount, o.reason
            )
            select s.cause, s.id, s.user_id, s.product, s.quantity, s.amount, s.currency, s.code, s.discount, s.reason, f.number
            from (select count(*) as number from found) f
            left join settled s on true
            order by s.place
            """, results.Keys.ToArray(), results.Values.Column(result => result.Discount), results.Values.Column(result => result.Reason))
            .ReadEachAsync(row =>
            {
                found = row.GetInt64(10);
                if (row.IsDBNull(0))
                    return; // none was found, or none was where it was found
                Log(unit, results[row.GetGuid(0)].Event, row);
                settled++;
            }, ct);
        if (found != settled)
            throw new DbUpdateConcurrencyException($"{found - settled} orders that this transaction holds are not where they were.");
        return BatchEffect.Of(settled > 0);
    }

    /// <summary>Logs what became of a settled order: it is confirmed when there is no reason against it.</summary>
    private static void Log(Unit<OrdersDb> unit, LoggedEvent cause, NpgsqlDataReader row)
    {
        var (id, user, code) = (row.GetGuid(1), row.GetGuid(2), row.GetString(7));
        if (row.GetNullable<string>(9) is { } reason)
        {
            unit.Append(new OrderRejected(id, user, code, reason), cause);
            return;
        }
        var (total, discount) = (new Money(row.GetInt64(5), row.GetString(6)), row.GetInt64(8));
        var (off, due) = (total with { Amount = discount }, total with { Amount = total.Amount - discount });
        unit.Append(new OrderConfirmed(id, user, row.GetString(3), row.GetInt32(4), total, code, off, due), cause);
    }
}
