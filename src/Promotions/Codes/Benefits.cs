using System.Text.Json;

namespace Boon.Promotions.Codes;

/// <summary>What a benefit can be, and how it is stored.</summary>
internal static class Benefits
{
    internal const int LongestProduct = 100;
    private const int MostProducts = 100;

    internal static Benefit Parse(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, PromotionsJson.Default.Benefit)!;

    internal static byte[] Store(Benefit benefit) => JsonSerializer.SerializeToUtf8Bytes(benefit, PromotionsJson.Default.Benefit);

    /// <summary>Checks a benefit.</summary>
    internal static void Check(Validation validation, Benefit? benefit, string field)
    {
        if (!validation.Require(benefit, field))
            return;
        switch (benefit!.Kind)
        {
            case "percent":
                validation.Check(benefit.Value is >= 1 and <= 100, $"{field}.value", "must be 1 to 100 percent");
                break;
            case "fixed":
                validation.Check(MoneyRules.IsAmount(benefit.Value), $"{field}.value", MoneyRules.AmountRule);
                validation.Check(benefit.Currency is not null, $"{field}.currency", "is required for a fixed amount");
                validation.Check(benefit.MaxDiscount is null, $"{field}.maxDiscount", "is for percent only");
                break;
            default:
                validation.Fail($"{field}.kind", "must be percent or fixed");
                break;
        }
        if (benefit.Currency is not null)
            validation.Check(MoneyRules.IsCurrency(benefit.Currency), $"{field}.currency", MoneyRules.CurrencyRule);
        validation.Check(benefit.MaxDiscount is null || MoneyRules.IsAmount(benefit.MaxDiscount), $"{field}.maxDiscount",
            MoneyRules.AmountRule);
        validation.Check(benefit.MinSpend is null || MoneyRules.IsAmount(benefit.MinSpend), $"{field}.minSpend", MoneyRules.AmountRule);
        validation.Check(benefit.MaxDiscount is null && benefit.MinSpend is null || benefit.Currency is not null, $"{field}.currency",
            "is required with maxDiscount or minSpend");
        if (benefit.Products is { } products)
        {
            validation.Check(products.Length is >= 1 and <= MostProducts, $"{field}.products", $"must be 1 to {MostProducts} names");
            foreach (var product in products.Take(MostProducts))
                if (!validation.Text(product, $"{field}.products", 1, LongestProduct))
                    break;
        }
    }
}
