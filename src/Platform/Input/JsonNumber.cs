using System.Globalization;

namespace Boon.Platform.Input;

/// <summary>
/// A JSON number as it is meant: <c>5000</c>, <c>5000.0</c> and <c>5e3</c> are one. Exact, for as many digits as there are.
/// </summary>
/// <param name="Negative">Below zero.</param>
/// <param name="Digits">The digits without zeros at their ends; empty: zero.</param>
/// <param name="Exponent">The power of ten that the last digit stands for.</param>
public readonly record struct JsonNumber(bool Negative, string Digits, int Exponent)
{
    /// <summary>The longest number that is taken, in characters.</summary>
    public const int Longest = 400;

    /// <summary>
    /// The largest power of ten, up or down: what a double can hold, and nothing that a database or a client would choke on.
    /// </summary>
    public const int LargestExponent = 400;

    /// <summary>What a number must be.</summary>
    public static readonly string Rule =
        $"must contain only numbers with at most {Longest} characters and powers of ten up to {LargestExponent}";

    /// <summary>Reads a number that is valid JSON; false for one that is longer or larger than Boon takes.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out JsonNumber number)
    {
        number = default;
        if (text.Length > Longest)
            return false;
        var negative = text[0] == '-';
        var mantissa = negative ? text[1..] : text;
        var exponent = 0;
        if (mantissa.IndexOfAny('e', 'E') is >= 0 and var at)
        {
            if (!int.TryParse(mantissa[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || Math.Abs((long)exponent) > LargestExponent)
                return false;
            mantissa = mantissa[..at];
        }
        if (mantissa.IndexOf('.') is >= 0 and var point)
        {
            exponent -= mantissa.Length - point - 1;
            mantissa = string.Concat(mantissa[..point], mantissa[(point + 1)..]);
        }
        var digits = mantissa.TrimStart('0');
        var trimmed = digits.TrimEnd('0');
        number = trimmed.IsEmpty
            ? new JsonNumber(false, "", 0) : new JsonNumber(negative, trimmed.ToString(), exponent + digits.Length - trimmed.Length);
        return true;
    }

    /// <summary>Reads a whole number, however it is written.</summary>
    public static bool TryWhole(System.Text.Json.JsonElement value, out long whole)
    {
        whole = 0;
        return value.ValueKind == System.Text.Json.JsonValueKind.Number && TryRead(value.GetRawText(), out var number)
            && number.TryWhole(out whole);
    }

    /// <summary>The number as a whole one; false if it is none, or too large.</summary>
    public bool TryWhole(out long whole)
    {
        whole = 0;
        return Digits.Length == 0
            || (Exponent >= 0 && Digits.Length + Exponent <= 19
                && long.TryParse($"{(Negative ? "-" : "")}{Digits}{new string('0', Exponent)}", NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture, out whole));
    }
}
