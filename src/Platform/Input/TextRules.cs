using System.Globalization;
using System.Text;

namespace Boon.Platform.Input;

/// <summary>What a text is for, and so which characters have a place in it.</summary>
public enum TextKind
{
    /// <summary>Typed and compared: a username, a code, an id, the name of a product. Nothing that cannot be seen.</summary>
    Key,

    /// <summary>The name of a thing, read by people: as a key, and emoji with their joiners.</summary>
    Name,

    /// <summary>The name of a person: as the name of a thing, and the joiners that some scripts need.</summary>
    Person,

    /// <summary>Text for people, of several lines.</summary>
    Prose,
}

/// <summary>Which characters texts can have, and how long they are: in code points, never in units of UTF-16. Pure.</summary>
public static class TextRules
{
    private const int NonJoiner = 0x200C;
    private const int Joiner = 0x200D;

    /// <summary>
    /// Default_Ignorable_Code_Point of Unicode (bidirectional controls, joiners, selectors, tags, fillers), and what else shows nothing:
    /// annotations and the braille blank.
    /// </summary>
    private static readonly (int First, int Last)[] Invisible =
    [
        (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    ];

    /// <summary>How many code points a text has.</summary>
    public static int Length(string text)
    {
        var pairs = 0;
        foreach (var unit in text)
            if (char.IsLowSurrogate(unit))
                pairs++;
        return text.Length - pairs;
    }

    /// <summary>
    /// The beginning of a text, of at most so many code points. Half a character is never left: no database and no encoder takes one.
    /// </summary>
    public static string Cut(string text, int longest)
    {
        var end = 0;
        for (var points = 0; end < text.Length && points < longest; points++)
            end += char.IsSurrogatePair(text, end) ? 2 : 1;
        return end == text.Length ? text : text[..end];
    }

    /// <summary>What is wrong with the characters of a text, in words for its sender; null: nothing.</summary>
    public static string? Fault(string text, TextKind kind)
    {
        if (Ascii.IsValid(text) && !text.AsSpan().ContainsAnyInRange('\0', '\x1F') && !text.Contains('\x7F', StringComparison.Ordinal))
            return null;
        var before = new Rune(' ');
        foreach (var rune in text.EnumerateRunes())
        {
            var line = rune.Value is '\n' or '\r' or '\t' || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
            if (line ? kind != TextKind.Prose : Rune.IsControl(rune))
                return "must have no control characters";
            if (kind != TextKind.Prose && IsInvisible(rune) && !Joins(before, rune, kind))
                return $"must have no invisible characters, such as U+{rune.Value:X4}";
            before = rune;
        }
        return null;
    }

    internal static bool IsInvisible(Rune rune)
    {
        foreach (var (first, last) in Invisible)
            if (rune.Value <= last)
                return rune.Value >= first;
        return false;
    }

    /// <summary>
    /// True for an invisible character that has a part in what is seen before it: selectors, joiners and tags of emoji, joiners between
    /// letters.
    /// </summary>
    private static bool Joins(Rune before, Rune rune, TextKind kind)
    {
        if (kind is not (TextKind.Name or TextKind.Person))
            return false;
        var symbol = Rune.IsSymbol(before) || (IsInvisible(before) && before.Value is >= 0xFE00 and <= 0xFE0F or > 0xE0000);
        return rune.Value switch
        {
            >= 0xFE0E and <= 0xFE0F => symbol || Rune.IsDigit(before) || Rune.IsPunctuation(before),
            >= 0xE0020 and <= 0xE007F => symbol,
            Joiner => symbol || (kind == TextKind.Person && IsLetter(before)),
            NonJoiner => kind == TextKind.Person && IsLetter(before),
            _ => false,
        };
    }

    private static bool IsLetter(Rune rune) =>
        Rune.IsLetter(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
