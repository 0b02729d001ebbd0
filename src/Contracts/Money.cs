namespace Boon.Contracts;

/// <summary>An amount of money.</summary>
/// <param name="Amount">In minor units, such as cents.</param>
/// <param name="Currency">ISO 4217, such as <c>USD</c>.</param>
public sealed record Money(long Amount, string Currency)
{
    /// <summary>The largest amount that Boon takes: beyond any purchase, and far from overflow.</summary>
    public const long LargestAmount = 999_999_999_999_999;

    /// <summary>What a currency looks like, for the API description.</summary>
    public const string CurrencyPattern = "^[A-Z]{3}$";
}
