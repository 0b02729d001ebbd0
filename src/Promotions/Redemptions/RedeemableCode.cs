using System.Text.Json;
using Boon.Promotions.Campaigns;

namespace Boon.Promotions.Redemptions;

/// <summary>A code that its holder can redeem, as it stands.</summary>
internal sealed record RedeemableCode(Guid Id, string Code, Benefit Benefit, int Uses, int MaxUses, bool Expired, bool Voided, string? CouponType)
{
    internal const int LongestCode = 64;

    /// <summary>Whose a code <c>c</c> is: a voucher's holder, or who claimed the coupon.</summary>
    internal const string HeldBy = "(c.user_id = $2 or exists (select from promotions.claims k where k.code_id = c.id and k.user_id = $2))";

    /// <summary>Finds a code of this holder; null when it is unknown or somebody else's, which nobody is told apart.</summary>
    internal static async Task<RedeemableCode?> FindAsync(NpgsqlCommand command, string code, Guid holder, CancellationToken ct)
    {
        command.CommandText = $"""
            select id, code, benefit, uses, max_uses, expires_at <= now(), voided, type from promotions.codes c where code = $1 and {HeldBy}
            """;
        command.Parameters.Add(new() { Value = code });
        command.Parameters.Add(new() { Value = holder });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new RedeemableCode(reader.GetGuid(0), reader.GetString(1), JsonSerializer.Deserialize<Benefit>(reader.GetString(2), Json.Options)!,
                reader.GetInt32(3), reader.GetInt32(4), reader.GetBoolean(5), reader.GetBoolean(6), reader.IsDBNull(7) ? null : reader.GetString(7))
            : null;
    }

    /// <summary>Why it cannot be redeemed for a purchase; null when it can.</summary>
    internal string? Refusal(long amount, string currency, string? product) =>
        Voided ? "code-invalid" : Expired ? "code-expired" : Uses >= MaxUses ? "code-exhausted" : Discounts.Refusal(Benefit, amount, currency, product);
}

/// <summary>A purchase to take a discount off.</summary>
/// <param name="Code">The code.</param>
/// <param name="Amount">In minor units.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Product">What is bought.</param>
internal sealed record Purchase(string? Code, long? Amount, string? Currency, string? Product)
{
    internal Validation Validate()
    {
        var validation = new Validation();
        validation.Text(Code, "code", 1, RedeemableCode.LongestCode);
        if (validation.Require(Amount, "amount"))
            validation.Check(Amount is >= 1 and <= Discounts.LargestAmount, "amount", $"must be 1 to {Discounts.LargestAmount} minor units");
        if (validation.Require(Currency, "currency"))
            validation.Check(CampaignRules.Currency.IsMatch(Currency!), "currency", "must be an ISO 4217 code, such as USD");
        validation.Text(Product, "product", 1, 100, required: false);
        return validation;
    }
}
