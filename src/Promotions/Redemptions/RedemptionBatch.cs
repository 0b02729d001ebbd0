using Boon.Promotions.Codes;
using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Redemptions;

/// <summary>Somebody wants to redeem a code.</summary>
/// <param name="Code">The code, as it was written or typed.</param>
/// <param name="UserId">Who must hold it.</param>
/// <param name="Amount">In minor units.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Product">What is bought.</param>
/// <param name="Reference">The caller's own, such as an order's id.</param>
/// <param name="AllowZeroDiscount">Take a use also when nothing is taken off.</param>
/// <param name="At">When it was wanted: a code that expired later was good; null: now.</param>
/// <param name="OrderId">The order that wants it, if one does.</param>
internal sealed record RedemptionWish(
    string Code, Guid UserId, long Amount, string Currency, string? Product, string? Reference, bool AllowZeroDiscount, DateTime? At =
        null, Guid? OrderId = null);

/// <summary>What became of a wish.</summary>
/// <param name="Wish">The wish.</param>
/// <param name="Code">The code as its holder sees it; what was asked for, if there is no such code.</param>
/// <param name="Id">The redemption; empty when it was refused.</param>
/// <param name="Discount">Taken off, in minor units.</param>
/// <param name="RemainingUses">How often the code can still be redeemed.</param>
/// <param name="Refusal">Why it was refused, or null.</param>
internal sealed record Redeemed(RedemptionWish Wish, string Code, Guid Id, long Discount, int RemainingUses, string? Refusal)
{
    internal long Total => Wish.Amount - Discount;

    /// <summary>Logs it.</summary>
    internal void Append(Unit<PromotionsDb> unit, LoggedEvent? cause = null)
    {
        if (Refusal is null)
            unit.Append(new CodeRedeemed(
                Id, Wish.UserId, Code, Wish.Amount, Wish.Currency, Wish.Product, Wish.Reference, Discount, Total, RemainingUses), cause);
        else
            unit.Append(new RedemptionRefused(Wish.UserId, Code, Wish.Amount, Wish.Currency, Wish.Product, Wish.Reference, Refusal), cause);
    }
}

/// <summary>
/// The one way to redeem codes, for requests and for orders: locks them, decides the wishes one after the other, and stores what was taken
/// in one round trip. Who wants a code that is being redeemed waits for that transaction and sees what it took; a check constraint stands
/// behind the count.
/// </summary>
internal static class RedemptionBatch
{
    /// <summary>Redemptions by their ids.</summary>
    internal const string ById = "r.id = any ($1)";

    /// <summary>Redemptions by the orders that have them.</summary>
    internal const string ByOrder = "r.order_id = any ($1) and r.order_id is not null";

    private const string Moved = "A code that this transaction holds is not where it was.";

    /// <summary>Decides and stores; nothing is logged yet.</summary>
    internal static async Task<List<Redeemed>> RedeemAsync(
        Unit<PromotionsDb> unit, IReadOnlyList<RedemptionWish> wishes, CancellationToken ct)
    {
        var wanted = wishes.Select(wish => (wish.Code, wish.UserId)).Distinct().ToList();
        var codes = await RedeemableCode.FindAsync(new RoundTrip(unit), wanted, locked: PromotionsDefences.ExactUses.On, ct);
        var decided = new List<Redeemed>(wishes.Count);
        foreach (var wish in wishes)
            decided.Add(Decide(wish, codes.GetValueOrDefault((wish.Code, wish.UserId))));
        await StoreAsync(unit, decided.FindAll(one => one.Refusal is null), codes, ct);
        return decided;
    }

    private static Redeemed Decide(RedemptionWish wish, RedeemableCode? code)
    {
        var refusal = code is null
            ? "code-invalid" : code.Refusal(wish.Amount, wish.Currency, wish.Product, wish.AllowZeroDiscount, wish.At);
        if (refusal is not null)
            return new Redeemed(wish, code?.Code ?? CodeText.Exact(wish.Code), Guid.Empty, 0, 0, refusal);
        code!.Take();
        return new Redeemed(wish, code.Code, OrderedId.New(), Discounts.Of(code.Benefit, wish.Amount), code.RemainingUses, null);
    }

    private static async Task StoreAsync(
        Unit<PromotionsDb> unit, List<Redeemed> redeemed, Dictionary<(string, Guid), RedeemableCode> codes, CancellationToken ct)
    {
        if (redeemed.Count == 0)
            return;
        var taken = codes.Values.Where(code => code.NewUses > 0).DistinctBy(code => code.Id).ToList();
        var trip = new RoundTrip(unit);
        var counted = trip.Add("""
            update promotions.codes c
            set uses = k.uses
            from unnest($1, $2) k (id, uses)
            cross join lateral (
                select x.ctid
                from promotions.codes x
                where x.id = k.id
                offset 0) at
            where c.ctid = at.ctid
            """, taken.Column(code => code.Id), taken.Column(code => code.Uses + (PromotionsDefences.ExactUses.On ? code.NewUses : 1)));
        if (PromotionsDefences.ExactUses.On)
            counted.MustTouch(taken.Count, Moved);
        trip.Add("""
            insert into promotions.redemptions (id, code_id, user_id, amount, currency, product, reference, discount, order_id)
            select *
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            redeemed.Column(one => one.Id), redeemed.Column(one => codes[(one.Wish.Code, one.Wish.UserId)].Id),
            redeemed.Column(one => one.Wish.UserId),
            redeemed.Column(one => one.Wish.Amount), redeemed.Column(one => one.Wish.Currency), redeemed.Column(one => one.Wish.Product),
            redeemed.Column(one => one.Wish.Reference), redeemed.Column(one => one.Discount), redeemed.Column(one => one.Wish.OrderId));
        foreach (var type in taken.Where(code => code.CouponType is not null).GroupBy(code => code.CouponType!))
            CouponCounts.Add(trip, type.Key, redeemed: type.Sum(code => code.NewUses));
        await trip.RunAsync(ct);
    }

    /// <summary>
    /// Gives back the uses of redemptions, each once; nothing is logged yet. The codes are locked first, as by those who redeem.
    /// </summary>
    /// <param name="unit">The transaction.</param>
    /// <param name="which"><see cref="ById"/> or <see cref="ByOrder"/>.</param>
    /// <param name="ids">Of the redemptions, or of the orders.</param>
    /// <param name="ct">Stops it.</param>
    internal static async Task<IReadOnlyList<Released>> ReleaseAsync(
        Unit<PromotionsDb> unit, string which, Guid[] ids, CancellationToken ct)
    {
        var trip = new RoundTrip(unit);
        trip.Add($"""
            select c.id
            from promotions.codes c
            where c.id = any (array(select r.code_id from promotions.redemptions r where {which}))
            order by c.id
            for update
            """, ids)
            .All(row => row.GetGuid(0));
        var released = trip.Add($"""
            with released as (
                update promotions.redemptions r
                set released_at = now()
                where {which} {PromotionsDefences.ReleaseOnce.Sql("and r.released_at is null")}
                returning r.id, r.code_id, r.user_id, r.order_id
            ), given as (
                update promotions.codes c
                set uses = c.uses - k.n
                from (select code_id, count(*) as n from released group by code_id) k
                cross join lateral (
                    select x.ctid
                    from promotions.codes x
                    where x.id = k.code_id
                    offset 0) at
                where c.ctid = at.ctid
                returning c.id, coalesce(c.shown, c.code) as code, c.max_uses - c.uses as remaining, c.type
            )
            select r.id, r.user_id, g.code, g.remaining, g.type, r.order_id
            from released r
            left join given g on g.id = r.code_id
            """, ids)
            .All(row => new Released(
                new RedemptionReleased(
                    row.GetGuid(0), row.GetGuid(1), row.GetNullable<string>(2) ?? throw new InvalidOperationException(Moved),
                    row.GetInt32(3)),
                row.GetNullable<string>(4), row.GetNullable<Guid>(5)));
        await trip.RunAsync(ct);
        var counts = new RoundTrip(unit);
        foreach (var type in released.Where(one => one.CouponType is not null).GroupBy(one => one.CouponType!))
            CouponCounts.Add(counts, type.Key, redeemed: -type.Count());
        await counts.RunAsync(ct);
        return released;
    }
}

/// <summary>A redemption whose use was given back: its event, the type of the coupon, and the order that had it.</summary>
internal sealed record Released(RedemptionReleased Event, string? CouponType, Guid? OrderId);
