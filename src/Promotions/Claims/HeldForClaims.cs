using Boon.Promotions.Pool;

namespace Boon.Promotions.Claims;

/// <summary>
/// A pool that a transaction holds to answer wishes, and what it must know for that: everything was read while it is held.
/// </summary>
/// <param name="Pool">The pool; null when there is no such type.</param>
/// <param name="Claims">The claim that each user has already, where one is all that a user gets.</param>
/// <param name="Waiting">Claims that are queued or worked on.</param>
/// <param name="Repeats">Why keys of requests are taken.</param>
internal sealed record HeldForClaims(
    CouponPool? Pool, Dictionary<Guid, ClaimView> Claims, int Waiting,
    IReadOnlyDictionary<(string, string, string), IdempotencyException> Repeats)
{
    /// <summary>
    /// The whole way to a pool, in one round trip: claims the keys, if there are any, takes hold of the pool, refuses who waited too long,
    /// and reads after that who has a claim already and how many wait.
    /// </summary>
    internal static async Task<HeldForClaims> HoldAsync(
        Unit<PromotionsDb> unit, string type, IReadOnlyList<ClaimWish> wishes, CancellationToken ct)
    {
        var trip = new RoundTrip(unit);
        // Keys before the pool: nobody who holds a pool waits for the row of a key, which a process of a former version may hold.
        var repeats = IdempotencyKeys.Claim(trip, unit.Database.Schema, [.. wishes.Select(wish => wish.Key).OfType<IdempotencyClaim>()]);
        var pool = CouponPool.Hold(trip, unit, type);
        CouponPool.RefuseLate(trip, unit, type);
        var claims = new Dictionary<Guid, ClaimView>();
        trip.Add($"""
            select distinct on (k.user_id) k.user_id, {ClaimView.Columns}
            from {ClaimView.Tables}
            where k.type = $1 and k.user_id = any ($2) and k.state <> 'refused' and not k.is_reward and t.per_user = 1
            order by k.user_id, k.nth = 0 desc, k.id
            """, type, wishes.Select(wish => wish.UserId).Distinct().ToArray())
            .Each(row =>
            {
                if (pool.Value is { IsOncePerUser: true })
                    claims.Add(row.GetGuid(0), ClaimView.Read(row, 1));
            });
        var front = trip.Add("""
            select ticket
            from promotions.claims
            where type = $1 and state in ('queued', 'working')
            order by ticket
            limit 1
            """, type)
            .First(row => row.GetInt64(0));
        await trip.RunAsync(ct);
        // Tickets leave from the front, so that nobody counts the queue. (A claim that was granted before one with a lower ticket, whose
        // worker died, counts until that one is.)
        var waiting = pool.Value is { } held && front.Found ? (int)(held.LastTicket - front.Value + 1) : 0;
        return new HeldForClaims(pool.Value, claims, waiting, repeats);
    }
}
