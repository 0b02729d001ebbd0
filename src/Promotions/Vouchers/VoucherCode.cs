using System.Security.Cryptography;
using Boon.Promotions.Codes;

namespace Boon.Promotions.Vouchers;

/// <summary>
/// Codes of vouchers: 12 of 32 characters that nobody confuses, as XXXX-XXXX-XXXX. 60 random bits; a database constraint makes them unique.
/// </summary>
internal static class VoucherCode
{
    internal static string New() => string.Create(14, 0, (code, _) =>
    {
        RandomNumberGenerator.GetItems(CodeText.Alphabet, code);
        code[4] = code[9] = '-';
    });
}
