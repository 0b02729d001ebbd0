namespace Boon.Promotions.Codes;

/// <summary>What a code takes off a purchase, or why it takes nothing. Pure. All amounts in minor units.</summary>
internal static class Discounts
{
    /// <summary>
    /// Why a benefit does not apply to a purchase: <c>currency-mismatch</c>, <c>min-spend</c>, <c>product-not-covered</c>, or
    /// <c>no-discount</c> where it would take nothing off and that is not allowed; null when it does.
    /// </summary>
    internal static string? Refusal(Benefit benefit, long amount, string currency, string? product, bool allowZeroDiscount)
    {
        if (benefit.Currency is not null && benefit.Currency != currency)
            return "currency-mismatch";
        if (amount < benefit.MinSpend)
            return "min-spend";
        if (benefit.Products is { } products && !Array.Exists(products, one => TextKeys.Same(one, product)))
            return "product-not-covered";
        return allowZeroDiscount || Of(benefit, amount) > 0 ? null : "no-discount";
    }

    /// <summary>
    /// The discount: percent with half-even rounding and its cap, or the fixed amount; never more than the amount itself.
    /// </summary>
    internal static long Of(Benefit benefit, long amount)
    {
        var discount = benefit.Kind == "percent"
            ? Math.Min((long)Math.Round(amount * (decimal)benefit.Value / 100m, MidpointRounding.ToEven), benefit.MaxDiscount
                ?? long.MaxValue)
            : benefit.Value;
        return Math.Min(discount, amount);
    }
}
