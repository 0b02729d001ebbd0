using Boon.Promotions.CouponTypes;
using Boon.Promotions.Pool;

namespace Boon.Promotions.Claims;

/// <summary>A queued claim that a worker has taken.</summary>
internal sealed record PacedClaim(Guid Id, Guid UserId, long Ticket);

/// <summary>The end of queued claims: coupons, as long as there are some.</summary>
internal static class PacedGrants
{
    /// <summary>
    /// Gives claims their coupons in the order of the queue, and refuses those for which none is left; false when none of the claims is
    /// this worker's any more.
    /// </summary>
    internal static async Task<bool> SettleAsync(
        Unit<PromotionsDb> unit, string type, List<PacedClaim> claims, Guid worker, CancellationToken ct)
    {
        var hold = new RoundTrip(unit);
        var held = CouponPool.Hold(hold, unit, type);
        var own = hold.Add("""
            select id
            from promotions.claims
            where id = any ($1) and state = 'working' and worker = $2 and working_until > clock_timestamp()
            """, claims.Column(claim => claim.Id), worker)
            .All(row => row.GetGuid(0));
        await hold.RunAsync(ct);
        if (held.Value is not { } pool)
            return false;
        claims = claims.FindAll(claim => own.Contains(claim.Id));
        if (claims.Count == 0)
            return false;

        var coupons = new List<Guid?>();
        foreach (var claim in claims)
        {
            var coupon = await pool.TakeAsync(claims.Count - coupons.Count, ct);
            coupons.Add(coupon?.Id);
            if (coupon is null)
                unit.Append(new ClaimRefused(claim.Id, claim.UserId, CouponType.NameOf(type), "sold-out"), traceParent: null);
            else
                unit.Append(new CouponClaimed(claim.Id, claim.UserId, CouponType.NameOf(type), coupon.Code, coupon.ExpiresAt),
                    traceParent: null);
        }
        // A grant counts from when the pool was held, not from when it was asked for.
        var granted = coupons.Count(coupon => coupon is not null);
        pool.RecentGrants = [.. pool.RecentGrants.Concat(Enumerable.Repeat(pool.Now, granted)).Order().TakeLast(pool.Pace?.PerSecond ?? 0)];
        var store = new RoundTrip(unit);
        store.Add("""
            update promotions.claims k
            set state = case when s.code_id is null then 'refused' else 'granted' end, code_id = s.code_id,
                reason = case when s.code_id is null then 'sold-out' end, nth = case when s.code_id is null then -k.ticket else k.nth end,
                settled_at = $3, worker = null, working_until = null
            from unnest($1, $2) s (id, code_id)
            where k.id = s.id
            """, claims.Column(claim => claim.Id), coupons.Column(coupon => coupon), pool.Now);
        pool.Store(store, granted);
        await store.RunAsync(ct);
        return true;
    }
}
