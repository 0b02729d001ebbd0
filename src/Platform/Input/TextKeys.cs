using System.Buffers;
using System.Globalization;
using System.Text;

namespace Boon.Platform.Input;

/// <summary>
/// The forms in which texts are the same. Keys are stored, so they never change: folding is stable for every character of Unicode 14, and
/// what came later folds to itself. Pure.
/// </summary>
public static class TextKeys
{
    private static readonly SearchValues<char> LetterDigitHyphen = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly IdnMapping Idna = new() { UseStd3AsciiRules = true, AllowUnassigned = false };

    /// <summary>Normalization form C: what Boon stores and compares where case and look-alikes make a difference.</summary>
    public static string Nfc(string text) => Ascii.IsValid(text) || text.IsNormalized() ? text : text.Normalize();

    /// <summary>True for one text, however its characters are composed.</summary>
    public static bool Same(string? one, string? other) =>
        string.Equals(one, other, StringComparison.Ordinal) || (one is not null && other is not null && Nfc(one) == Nfc(other));

    /// <summary>
    /// NFKC_Casefold, the form of identifiers (UAX 31): full case folding, compatibility forms replaced, invisible characters dropped.
    /// </summary>
    public static string Fold(string text)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var folded = CaseFolding.Fold(text.Normalize(NormalizationForm.FormD)).Normalize(NormalizationForm.FormKC);
        folded = Visible(CaseFolding.Fold(folded).Normalize(NormalizationForm.FormKC));
        return folded.Normalize(NormalizationForm.FormKC);
    }

    /// <summary>A domain's name as the DNS asks for it (UTS 46): ASCII, lower case. Null for what is no name with a dot in it.</summary>
    public static string? Domain(string domain)
    {
        try
        {
            var name = Idna.GetAscii(Nfc(domain)).ToLowerInvariant();
            return DomainShape(name) ? name : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static bool DomainShape(string name)
    {
        var labels = name.Split('.');
        return labels.Length > 1 && labels[^1].Length > 1 && Array.TrueForAll(labels, label =>
            label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-'
            && !label.AsSpan().ContainsAnyExcept(LetterDigitHyphen));
    }

    private static string Visible(string text)
    {
        if (!text.EnumerateRunes().Any(TextRules.IsInvisible))
            return text;
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            if (!TextRules.IsInvisible(rune))
                kept.Append(rune.ToString());
        return kept.ToString();
    }
}
