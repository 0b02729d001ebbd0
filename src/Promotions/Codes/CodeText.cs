using System.Buffers;
using System.Text;

namespace Boon.Promotions.Codes;

/// <summary>
/// How a code is told from another one. As it is written: in Unicode normalization form C, without white space at its ends. As people type
/// it: also without case, dashes and spaces, and without the difference between characters that look alike, as in Crockford's base 32
/// (https://www.crockford.com/base32.html): O is 0, I and L are 1. Codes that Boon generates are found both ways, uploaded ones as they are
/// written unless the upload says <c>folded</c>. Pure.
/// </summary>
internal static class CodeText
{
    /// <summary>The longest code, in code points.</summary>
    internal const int Longest = 64;

    /// <summary>
    /// What stands before the folded form of an uploaded code: no code that is found as it is written begins with a space.
    /// </summary>
    private const char FoldedMark = ' ';

    private const int GroupLength = 4;

    /// <summary>The characters of generated codes: nobody confuses two of them.</summary>
    internal const string Alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// <summary>The same after they were folded.</summary>
    private static readonly SearchValues<char> FoldedAlphabet = SearchValues.Create(Alphabet.Replace('L', '1'));

    /// <summary>
    /// Characters that people write between the groups of a code, beside white space: hyphens, dashes and the minus sign.
    /// </summary>
    private static readonly SearchValues<char> Dashes = SearchValues.Create("-\u00AD\u2010\u2011\u2012\u2013\u2014\u2015\u2212_.");

    /// <summary>The key of a code that is found as it is written, and what is asked for.</summary>
    internal static string Exact(string text) => TextKeys.Nfc(text.Trim());

    /// <summary>
    /// The key of a code that is found as people type it. That of a generated code is the code itself, so one index holds all keys, and a
    /// look-up is two probes of it. Null: there is nothing but dashes in it.
    /// </summary>
    internal static string? Folded(string text)
    {
        var fold = new StringBuilder(text.Length + 1).Append(FoldedMark);
        foreach (var c in TextKeys.Fold(text).ToUpperInvariant())
            if (!char.IsWhiteSpace(c) && !Dashes.Contains(c))
                fold.Append(c switch { 'O' => '0', 'I' or 'L' => '1', _ => c });
        var folded = fold.ToString();
        return folded.Length == 1 ? null : Generated(folded.AsSpan(1)) ?? folded;
    }

    /// <summary>The generated code whose folded form this is; null when it is that of none.</summary>
    private static string? Generated(ReadOnlySpan<char> folded) =>
        folded.Length != 3 * GroupLength || folded.ContainsAnyExcept(FoldedAlphabet)
            ? null
            : $"{folded[..GroupLength]}-{folded[GroupLength..(2 * GroupLength)]}-{folded[(2 * GroupLength)..]}".Replace('1', 'L');
}
