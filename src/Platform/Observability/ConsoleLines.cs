using System.Buffers;
using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace Boon.Platform.Observability;

/// <summary>
/// Lines for people, with control characters escaped: what comes in from outside can neither forge a line nor talk to a terminal. An
/// exception has lines of its own.
/// </summary>
internal sealed class ConsoleLines : ITextFormatter
{
    /// <summary>All that may have to be escaped.</summary>
    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, char.MaxValue + 1).Select(unit => (char)unit)
            .Where(unit => char.IsControl(unit) || unit is '\u2028' or '\u2029')]);

    private static readonly MessageTemplateTextFormatter Message =
        new("{Timestamp:HH:mm:ss} {Level:u3} {Message:lj}", CultureInfo.InvariantCulture);

    public void Format(LogEvent logEvent, TextWriter output)
    {
        if (RequestLines.Of(logEvent) is { } requests)
        {
            requests.WriteText(logEvent.Level, output); // no text of a caller is in them
            return;
        }
        using var line = new StringWriter(CultureInfo.InvariantCulture);
        Message.Format(logEvent, line);
        output.WriteLine(Escape(line.ToString(), lines: false));
        if (logEvent.Exception is { } error)
            output.WriteLine(Escape(error.ToString(), lines: true));
    }

    /// <summary>The text with each control character as its code; ends of lines and tabs stay where there can be lines.</summary>
    internal static string Escape(string text, bool lines)
    {
        if (!text.AsSpan().ContainsAny(Controls))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var unit in text)
            if (Escapes(unit))
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            else
                escaped.Append(unit);
        return escaped.ToString();

        bool Escapes(char unit) => unit is '\u2028' or '\u2029' || (char.IsControl(unit) && !(lines && unit is '\n' or '\r' or '\t'));
    }
}
