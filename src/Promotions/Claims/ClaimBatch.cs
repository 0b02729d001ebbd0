using Boon.Promotions.CouponTypes;
using Boon.Promotions.Pool;

namespace Boon.Promotions.Claims;

/// <summary>A user's wish for a coupon of a type.</summary>
/// <param name="UserId">Who asks.</param>
/// <param name="TraceParent">The trace of the request.</param>
/// <param name="Key">The request's <c>Idempotency-Key</c>, if it has one.</param>
internal sealed record ClaimWish(Guid UserId, string? TraceParent, IdempotencyClaim? Key = null);

/// <summary>How a wish was answered.</summary>
internal enum ClaimAnswer
{
    /// <summary>A new claim, granted.</summary>
    Granted,

    /// <summary>A new claim, queued.</summary>
    Queued,

    /// <summary>The claim that the user had already.</summary>
    Same,

    /// <summary>No coupon is left.</summary>
    SoldOut,

    /// <summary>As many as may wait are waiting.</summary>
    QueueFull,

    /// <summary>There is no such type.</summary>
    UnknownType,

    /// <summary>The request's key is taken: by its first answer, by another body, or by a request that still runs.</summary>
    Repeated,
}

/// <summary>A claim to be stored: granted with a code, or queued with a ticket.</summary>
internal sealed record NewClaim(Guid Id, Guid UserId, long Nth, Guid? CodeId, long? Ticket);

/// <summary>The answer to a wish, and the claim if there is one; why its key is taken, if it is.</summary>
internal readonly record struct ClaimResult(ClaimAnswer Answer, ClaimView? Claim, IdempotencyException? Repeat = null);

/// <summary>
/// Answers many wishes for coupons of one type in one transaction that holds the type's pool: the claims that users have already, new ones
/// from the cursor, or places in the queue of a paced type. In the order of the wishes. Their keys are rows of the same transaction, and so
/// are the answers kept under them.
/// </summary>
internal static class ClaimBatch
{
    /// <summary>Does everything but commit.</summary>
    internal static async Task<ClaimResult[]> RunAsync(
        Unit<PromotionsDb> unit, string type, IReadOnlyList<ClaimWish> wishes, CancellationToken ct)
    {
        var results = new ClaimResult[wishes.Count];
        var held = await HeldForClaims.HoldAsync(unit, type, wishes, ct);
        var (claims, waiting) = (held.Claims, held.Waiting);
        var added = new List<NewClaim>(wishes.Count);
        for (var i = 0; i < wishes.Count; i++)
            if (wishes[i].Key is { } key && held.Repeats.TryGetValue(key.Id, out var repeat))
                results[i] = new ClaimResult(ClaimAnswer.Repeated, null, repeat);
            else if (held.Pool is not { } pool)
                results[i] = new ClaimResult(ClaimAnswer.UnknownType, null);
            else if (claims.TryGetValue(wishes[i].UserId, out var same))
                results[i] = new ClaimResult(ClaimAnswer.Same, same);
            else
            {
                results[i] = pool.Pace is null
                    ? await GrantAsync(unit, pool, wishes[i], wishes.Count - i, added, ct)
                    : await EnqueueAsync(unit, pool, wishes[i], waiting, added, ct);
                if (results[i].Answer == ClaimAnswer.Queued)
                    waiting++;
                if (results[i].Claim is { } claim && pool.IsOncePerUser)
                    claims.Add(wishes[i].UserId, claim);
            }
        var store = new RoundTrip(unit);
        if (held.Pool is not null)
            Store(store, held.Pool, added, rewards: false);
        IdempotencyKeys.Store(
            store, unit.Database.Schema, [.. wishes.Zip(results).Where(one => one.First.Key is not null && one.Second.Repeat is null)
            .Select(one => (one.First.Key!, ClaimCoupon.Kept(one.Second)))]);
        await store.RunAsync(ct);
        return results;
    }

    private static async ValueTask<ClaimResult> GrantAsync(
        Unit<PromotionsDb> unit, CouponPool pool, ClaimWish wish, int wanted, List<NewClaim> added, CancellationToken ct)
    {
        if (await pool.TakeAsync(wanted, ct) is not { } coupon)
            return Refuse(unit, pool, wish, ClaimAnswer.SoldOut, "sold-out");
        var id = OrderedId.New();
        added.Add(new NewClaim(id, wish.UserId, pool.IsOncePerUser ? 0 : coupon.Position, coupon.Id, null));
        unit.Append(new CouponClaimed(id, wish.UserId, CouponType.NameOf(pool.Type), coupon.Code, coupon.ExpiresAt), wish.TraceParent,
            by: Actor.Member(wish.UserId));
        return new ClaimResult(ClaimAnswer.Granted, ClaimView.Granted(id, pool.Type, coupon));
    }

    /// <summary>
    /// Queues a claim. <paramref name="waiting"/> counts who waits and who is worked on: nobody of them has a coupon yet.
    /// </summary>
    private static async ValueTask<ClaimResult> EnqueueAsync(
        Unit<PromotionsDb> unit, CouponPool pool, ClaimWish wish, int waiting, List<NewClaim> added, CancellationToken ct)
    {
        if (!await pool.HasAsync(1, ct))
            return Refuse(unit, pool, wish, ClaimAnswer.SoldOut, "sold-out");
        if (waiting >= pool.Pace!.MaxQueue && PromotionsDefences.QueueLimit.On)
            return Refuse(unit, pool, wish, ClaimAnswer.QueueFull, "queue-full");
        var (id, ticket, position) = (OrderedId.New(), ++pool.LastTicket, waiting + 1);
        added.Add(new NewClaim(id, wish.UserId, pool.IsOncePerUser ? 0 : -ticket, null, ticket));
        unit.Append(new ClaimQueued(id, wish.UserId, CouponType.NameOf(pool.Type), position), wish.TraceParent,
            by: Actor.Member(wish.UserId));
        return new ClaimResult(ClaimAnswer.Queued, ClaimView.Queued(id, pool.Type, position, pool.Pace));
    }

    private static ClaimResult Refuse(Unit<PromotionsDb> unit, CouponPool pool, ClaimWish wish, ClaimAnswer answer, string reason)
    {
        unit.Append(new ClaimRefused(null, wish.UserId, CouponType.NameOf(pool.Type), reason), wish.TraceParent,
            by: Actor.Member(wish.UserId));
        return new ClaimResult(answer, null);
    }

    /// <summary>
    /// Stores claims, the pool's cursor and its counters, in a round trip. <paramref name="rewards"/>: they are rewards of quests, which
    /// count for no <c>perUser</c>.
    /// </summary>
    internal static void Store(RoundTrip trip, CouponPool pool, List<NewClaim> added, bool rewards)
    {
        if (added.Count > 0)
            trip.Add("""
                insert into promotions.claims (id, type, user_id, nth, state, code_id, ticket, created_at, settled_at, is_reward)
                select id, $6, user_id, nth, case when code_id is null then 'queued' else 'granted' end, code_id, ticket,
                    clock_timestamp(), case when code_id is not null then clock_timestamp() end, $7
                from unnest($1, $2, $3, $4, $5) n (id, user_id, nth, code_id, ticket)
                """,
                added.Column(claim => claim.Id), added.Column(claim => claim.UserId), added.Column(claim => claim.Nth),
                added.Column(claim => claim.CodeId), added.Column(claim => claim.Ticket), pool.Type, rewards);
        pool.Store(trip, added.Count(claim => claim.CodeId is not null));
    }
}
