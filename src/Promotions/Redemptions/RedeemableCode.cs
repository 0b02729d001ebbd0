using System.Text.Json;
using Boon.Promotions.Codes;

namespace Boon.Promotions.Redemptions;

/// <summary>A code that its holder can redeem, as it was read.</summary>
internal sealed record RedeemableCode(
    Guid Id, string Code, Guid Holder, Benefit Benefit, int Uses, int MaxUses, DateTime ExpiresAt, bool Voided, string? CouponType)
{
    /// <summary>The database's clock when it was read, and locked if it is.</summary>
    internal DateTime ReadAt { get; private set; }

    /// <summary>Uses taken since it was read.</summary>
    internal int NewUses { get; private set; }

    internal int RemainingUses => MaxUses - Uses - NewUses;

    /// <summary>
    /// Finds codes by their texts, each with who must hold it: a voucher's owner, or who claimed the coupon. One that is unknown or
    /// somebody else's is not found, and nobody is told apart. Locked, they stay as they are found until the transaction ends; the clock is
    /// read after that.
    /// </summary>
    internal static async Task<Dictionary<(string Text, Guid Holder), RedeemableCode>> FindAsync(
        RoundTrip trip, IReadOnlyList<(string Text, Guid Holder)> wanted, bool locked, CancellationToken ct)
    {
        var (codes, found) = (new Dictionary<Guid, RedeemableCode>(), new Dictionary<(string, Guid), RedeemableCode>());
        trip.Add($"""
            select w.place, c.code = w.exact, c.id, coalesce(c.shown, c.code), w.holder, c.benefit, c.uses, c.max_uses, c.expires_at,
                c.voided, c.type
            from unnest($1, $2, $3) with ordinality w (exact, folded, holder, place)
            cross join lateral (
                select x.id
                from promotions.codes x
                where x.code = any (array[w.exact, w.folded])
                offset 0) at
            join promotions.codes c on c.id = at.id
            where c.user_id = w.holder or exists (select from promotions.claims k where k.code_id = c.id and k.user_id = w.holder)
            {(locked ? "order by c.id for update of c" : "")}
            """,
            wanted.Column(one => CodeText.Exact(one.Text)), wanted.Column(one => CodeText.Folded(one.Text) ?? ""),
            wanted.Column(one => one.Holder))
            .Each(row =>
            {
                // One code can be wanted by several spellings; a code that is written so comes before one that is typed so.
                if (!codes.TryGetValue(row.GetGuid(2), out var code))
                    codes[row.GetGuid(2)] = code = Read(row);
                var key = wanted[(int)row.GetInt64(0) - 1];
                if (row.GetBoolean(1))
                    found[key] = code;
                else
                    found.TryAdd(key, code);
            });
        var clock = trip.Add("select clock_timestamp()").First(row => row.GetDateTime(0));
        await trip.RunAsync(ct);
        foreach (var code in codes.Values)
            code.ReadAt = clock.Value;
        return found;
    }

    private static RedeemableCode Read(NpgsqlDataReader row) => new(
        row.GetGuid(2), row.GetString(3), row.GetGuid(4), JsonSerializer.Deserialize<Benefit>(row.GetString(5), Json.Options)!,
        row.GetInt32(6), row.GetInt32(7), row.GetDateTime(8), row.GetBoolean(9), row.GetNullable<string>(10));

    /// <summary>
    /// Why it cannot be redeemed for a purchase; null when it can. What was decided before in the same transaction counts.
    /// </summary>
    internal string? Refusal(long amount, string currency, string? product, bool allowZeroDiscount, DateTime? at = null) =>
        Voided ? "code-invalid"
        : ExpiresAt <= (at ?? ReadAt) ? "code-expired"
        : Uses + (PromotionsDefences.ExactUses.On ? NewUses : 0) >= MaxUses ? "code-exhausted"
        : Discounts.Refusal(Benefit, amount, currency, product, allowZeroDiscount);

    /// <summary>Takes a use.</summary>
    internal void Take() => NewUses++;
}

/// <summary>A purchase to take a discount off.</summary>
/// <param name="Code">The code.</param>
/// <param name="Amount">In minor units.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Product">What is bought.</param>
/// <param name="AllowZeroDiscount">Take a use also when the discount is rounded to nothing.</param>
/// <example>{"code": "SUMMER-30", "amount": 5000, "currency": "USD", "product": "mobile-top-up"}</example>
internal sealed record Purchase(
    [Required, Length(1, CodeText.Longest)] string? Code, [Required, Range(1L, Money.LargestAmount)] long? Amount,
    [Required, RegularExpression(Money.CurrencyPattern)] string? Currency, [Length(1, 100)] string? Product,
    bool? AllowZeroDiscount)
{
    internal Validation Validate()
    {
        var validation = new Validation();
        validation.Text(Code?.Trim(), "code", 1, CodeText.Longest);
        validation.Money(Amount, "amount", Currency, "currency");
        validation.Text(Product, "product", 1, Benefits.LongestProduct, required: false);
        return validation;
    }
}
