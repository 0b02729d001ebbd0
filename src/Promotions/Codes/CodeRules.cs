namespace Boon.Promotions.Codes;

/// <summary>What holds for every code, a voucher's or a coupon's.</summary>
internal static class CodeRules
{
    /// <summary>How often one code can be redeemed at most.</summary>
    internal const int MostUses = 1_000_000;
}
