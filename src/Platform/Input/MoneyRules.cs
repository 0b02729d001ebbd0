using System.Collections.Frozen;

namespace Boon.Platform.Input;

/// <summary>What an amount and a currency can be: the same everywhere, in the same words.</summary>
public static class MoneyRules
{
    /// <summary>What an amount must be.</summary>
    public static readonly string AmountRule = $"must be 1 to {Contracts.Money.LargestAmount} minor units";

    /// <summary>What a currency must be.</summary>
    public const string CurrencyRule = "must be an ISO 4217 code, such as USD";

    /// <summary>True for an amount in minor units that Boon takes.</summary>
    public static bool IsAmount(long? amount) => amount is >= 1 and <= Contracts.Money.LargestAmount;

    /// <summary>True for a currency, fund or metal of ISO 4217, in capital letters.</summary>
    public static bool IsCurrency(string currency) => Currencies.Contains(currency);

    /// <summary>Checks a required amount and a required currency.</summary>
    public static void Money(this Validation validation, long? amount, string amountField, string? currency, string currencyField)
    {
        if (validation.Require(amount, amountField))
            validation.Check(IsAmount(amount), amountField, AmountRule);
        if (validation.Require(currency, currencyField))
            validation.Check(IsCurrency(currency), currencyField, CurrencyRule);
    }

    /// <summary>
    /// The alphabetic codes of ISO 4217 (list one, and BGN, which the euro replaced in 2026), without those for tests and for no currency.
    /// </summary>
    private static readonly FrozenSet<string> Currencies = """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP
        CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
        IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
        MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU
        XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
}
