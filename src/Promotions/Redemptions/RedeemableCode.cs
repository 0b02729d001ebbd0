using System.Text.Json;
using Boon.Promotions.Campaigns;

namespace Boon.Promotions.Redemptions;

/// <summary>A code that its holder can redeem, as it was read at <paramref name="ReadAt"/>.</summary>
internal sealed record RedeemableCode(
    Guid Id, string Code, Guid Holder, Benefit Benefit, int Uses, int MaxUses, DateTime ExpiresAt, bool Voided, string? CouponType, DateTime ReadAt)
{
    internal const int LongestCode = 64;

    /// <summary>Uses taken since it was read.</summary>
    internal int Taken { get; private set; }

    internal int RemainingUses => MaxUses - Uses - Taken;

    /// <summary>
    /// Finds codes by their texts, each with who must hold it: a voucher's owner, or who claimed the coupon. One that is unknown or somebody else's is not found,
    /// and nobody is told apart. Locked, they stay as they are found until the transaction ends.
    /// </summary>
    internal static async Task<List<RedeemableCode>> FindAsync(NpgsqlCommand command, string[] codes, Guid[] holders, bool locked, CancellationToken ct)
    {
        command.CommandText = $"""
            select c.id, c.code, w.holder, c.benefit, c.uses, c.max_uses, c.expires_at, c.voided, c.type, clock_timestamp()
            from unnest($1, $2) w (code, holder)
            cross join lateral (select * from promotions.codes x where x.code = w.code offset 0) at
            join promotions.codes c on c.id = at.id
            where c.user_id = w.holder or exists (select from promotions.claims k where k.code_id = c.id and k.user_id = w.holder)
            {(locked ? "order by c.id for update of c" : "")}
            """;
        command.Parameters.Add(new() { Value = codes });
        command.Parameters.Add(new() { Value = holders });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new List<RedeemableCode>(codes.Length);
        while (await reader.ReadAsync(ct))
            found.Add(new RedeemableCode(
                reader.GetGuid(0), reader.GetString(1), reader.GetGuid(2), JsonSerializer.Deserialize<Benefit>(reader.GetString(3), Json.Options)!, reader.GetInt32(4),
                reader.GetInt32(5), reader.GetDateTime(6), reader.GetBoolean(7), reader.IsDBNull(8) ? null : reader.GetString(8), reader.GetDateTime(9)));
        return found;
    }

    /// <summary>Why it cannot be redeemed for a purchase; null when it can. What was decided before in the same transaction counts.</summary>
    internal string? Refusal(long amount, string currency, string? product, DateTime? at = null) =>
        Voided ? "code-invalid"
        : ExpiresAt <= (at ?? ReadAt) ? "code-expired"
        : Uses + (PromotionsDefences.ExactUses ? Taken : 0) >= MaxUses ? "code-exhausted"
        : Discounts.Refusal(Benefit, amount, currency, product);

    /// <summary>Takes a use.</summary>
    internal void Take() => Taken++;
}

/// <summary>A purchase to take a discount off.</summary>
/// <param name="Code">The code.</param>
/// <param name="Amount">In minor units.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Product">What is bought.</param>
/// <example>{"code": "SUMMER-30", "amount": 5000, "currency": "USD", "product": "mobile-top-up"}</example>
internal sealed record Purchase(
    [Required, Length(1, RedeemableCode.LongestCode)] string? Code, [Required, Range(1L, Money.LargestAmount)] long? Amount,
    [Required, RegularExpression(Money.CurrencyPattern)] string? Currency, [Length(1, 100)] string? Product)
{
    internal Validation Validate()
    {
        var validation = new Validation();
        validation.Text(Code, "code", 1, RedeemableCode.LongestCode);
        validation.Money(Amount, "amount", Currency, "currency");
        validation.Text(Product, "product", 1, Campaigns.CampaignRules.LongestProduct, required: false);
        return validation;
    }
}
