namespace Boon.Orders.Customers;

/// <summary>Learns from Identity's log who there is. Whoever is erased stays erased, whatever comes late or twice.</summary>
internal static class LearnUsers
{
    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<OrdersDb> unit, CancellationToken ct)
    {
        var learnt = await LearnAsync(UserRegistered.Name, """
            insert into orders.known_users (user_id, erased)
            select unnest($1), false
            on conflict do nothing
            """);
        var erased = await LearnAsync(UserErased.Name, """
            insert into orders.known_users (user_id, erased)
            select unnest($1), true
            on conflict (user_id) do update set erased = true
            """);
        return BatchEffect.Of(learnt + erased > 0);

        async Task<int> LearnAsync(string type, string sql)
        {
            var users = events.Where(e => e.Type == type).Select(e => e.UserId!.Value).Distinct().ToArray();
            return users.Length == 0 ? 0 : await unit.Command(sql, users).ExecuteAsync(ct);
        }
    }
}
