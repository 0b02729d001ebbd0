using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Boon.Platform.Input;

/// <summary>
/// Full case folding, by Unicode's table (the file in this folder): the runtime has none. <c>straße</c> and <c>STRASSE</c> become one.
/// </summary>
internal static class CaseFolding
{
    private static readonly Lazy<FrozenDictionary<int, string>> Table = new(Read);

    internal static string Fold(string text)
    {
        var table = Table.Value;
        var folded = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            folded.Append(table.GetValueOrDefault(rune.Value) ?? rune.ToString());
        return folded.ToString();
    }

    private static FrozenDictionary<int, string> Read()
    {
        using var stream = typeof(CaseFolding).Assembly.GetManifestResourceStream("case-folding.txt")!;
        using var reader = new StreamReader(stream);
        var table = new Dictionary<int, string>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            var parts = line.Split(' ');
            if (parts[1] == "=")
            {
                table.Add(Hex(parts[0]), string.Concat(parts[2..].Select(part => char.ConvertFromUtf32(Hex(part)))));
                continue;
            }
            var (last, step, added) =
                (Hex(parts[1]), int.Parse(parts[2], CultureInfo.InvariantCulture), int.Parse(parts[3], CultureInfo.InvariantCulture));
            for (var code = Hex(parts[0]); code <= last; code += step)
                table.Add(code, char.ConvertFromUtf32(code + added));
        }
        return table.ToFrozenDictionary();
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
