using System.Text.RegularExpressions;

namespace Boon.Platform.Web;

/// <summary>What an amount and a currency can be: the same everywhere, in the same words.</summary>
public static partial class MoneyRules
{
    /// <summary>What an amount must be.</summary>
    public static readonly string AmountRule = $"must be 1 to {Contracts.Money.LargestAmount} minor units";

    /// <summary>What a currency must be.</summary>
    public const string CurrencyRule = "must be an ISO 4217 code, such as USD";

    /// <summary>True for an amount in minor units that Boon takes.</summary>
    public static bool IsAmount(long? amount) => amount is >= 1 and <= Contracts.Money.LargestAmount;

    /// <summary>True for three capital letters; which currencies there are is not for Boon to say.</summary>
    public static bool IsCurrency(string currency) => CurrencyCode.IsMatch(currency);

    /// <summary>Checks a required amount and a required currency.</summary>
    public static void Money(this Validation validation, long? amount, string amountField, string? currency, string currencyField)
    {
        if (validation.Require(amount, amountField))
            validation.Check(IsAmount(amount), amountField, AmountRule);
        if (validation.Require(currency, currencyField))
            validation.Check(IsCurrency(currency), currencyField, CurrencyRule);
    }

    [GeneratedRegex("^[A-Z]{3}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex CurrencyCode { get; }
}
