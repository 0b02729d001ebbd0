namespace Boon.Bench;

/// <summary>A bench's table: each figure beside a limit that was measured in the same run, and whether the aim is met.</summary>
internal sealed class Figures(string title)
{
    private static readonly string[] Heads = ["figure", "measured", "limit", "ratio", "aim", "met"];
    private readonly List<string[]> rows = [];
    private readonly List<string> notes = [];

    /// <summary>
    /// Adds a row. <paramref name="ratio"/> is measured / limit; <paramref name="met"/> is null where nothing is aimed at.
    /// </summary>
    internal Figures Add(string figure, string measured, string limit = "", double? ratio = null, string aim = "", bool? met = null)
    {
        rows.Add([figure, measured, limit, ratio is { } r ? $"{r:0.00}" : "", aim, met is { } m ? m ? "yes" : "no" : ""]);
        return this;
    }

    /// <summary>Adds a line below the table.</summary>
    internal Figures Note(string note)
    {
        notes.Add(note);
        return this;
    }

    internal void Print()
    {
        var widths = Heads.Select((head, column) => rows.Max(row => row[column].Length) is var longest && longest > head.Length
            ? longest : head.Length).ToArray();
        Console.WriteLine($"\n{title}");
        foreach (var row in (IEnumerable<string[]>)[Heads, [.. widths.Select(width => new string('-', width))], .. rows])
            Console.WriteLine("  "
                + string.Join(
                    "  ", row.Select((cell, column) => column is 0 or 4 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))
                .TrimEnd());
        foreach (var note in notes)
            Console.WriteLine("  " + note);
    }

    internal static string Rate(double perSecond) => perSecond < 1000 ? $"{perSecond:0.0}/s" : $"{perSecond:N0}/s";

    internal static string Milliseconds(double value) => value < 100 ? $"{value:0.0} ms" : $"{value:N0} ms";

    /// <summary>The smallest value that at least this share of the values does not exceed.</summary>
    internal static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }

    internal static double Median(IEnumerable<double> values) => Percentile(values, 0.5);

    /// <summary>The median of the ratios within each run: what slowed one run slowed both of its sides.</summary>
    internal static double Ratio(IEnumerable<double> measured, IEnumerable<double> limits) =>
        Median(measured.Zip(limits, (value, limit) => value / limit));
}
