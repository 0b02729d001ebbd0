using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Json;
using Serilog.Parsing;

namespace Boon.Platform.Observability;

/// <summary>What the log says of a request.</summary>
internal readonly record struct RequestLine(
    DateTimeOffset At, string Method, string Route, int Status, double Milliseconds, string UserId, ActivityTraceId? Trace);

/// <summary>
/// Many lines about requests in one event of the log: the log's filters, its files and their locks are paid for once. Each line looks as if
/// it had been written alone.
/// </summary>
internal sealed class RequestLines(IReadOnlyList<RequestLine> lines)
{
    /// <summary>The category of the lines.</summary>
    internal const string Category = "Boon.Requests";

    private const string Member = "Requests";
    private const string Text = "{Method} {Route} {Status} in {Milliseconds:0.0} ms, user {UserId}, trace {Trace}";
    private static readonly MessageTemplate Template = new MessageTemplateParser().Parse(Text);
    private static readonly LogEventProperty Source = new(Constants.SourceContextPropertyName, new ScalarValue(Category));

    internal static void Write(Serilog.ILogger log, LogEventLevel level, List<RequestLine> lines)
    {
        if (lines.Count > 0 && log.IsEnabled(level))
            log.Write(new LogEvent(
                lines[^1].At, level, null, Template, [Source, new LogEventProperty(Member, new ScalarValue(new RequestLines(lines)))]));
    }

    /// <summary>The lines of an event that has some.</summary>
    internal static RequestLines? Of(LogEvent e) =>
        e.Properties.TryGetValue(Member, out var value) && value is ScalarValue { Value: RequestLines lines } ? lines : null;

    /// <summary>As events of their own.</summary>
    internal IEnumerable<LogEvent> Apart(LogEventLevel level) => lines.Select(line => new LogEvent(line.At, level, null, Template,
    [
        Source, Of("Method", line.Method), Of("Route", line.Route), Of("Status", line.Status), Of("Milliseconds", line.Milliseconds),
        Of("UserId", line.UserId), Of("Trace", TraceOf(line)),
    ]));

    private static LogEventProperty Of(string name, object value) => new(name, new ScalarValue(value));

    /// <summary>As people read them.</summary>
    internal void WriteText(LogEventLevel level, TextWriter output)
    {
        var text = new StringBuilder(lines.Count * 128);
        foreach (var line in lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"{line.At:HH:mm:ss} {(level == LogEventLevel.Debug ? "DBG" : "INF")} ");
            Message(text, line);
            text.AppendLine();
        }
        output.Write(text);
    }

    /// <summary>As the files have them, in the form of <see cref="JsonFormatter"/>.</summary>
    private void WriteJson(LogEventLevel level, TextWriter output)
    {
        var text = new StringBuilder(lines.Count * 512);
        foreach (var line in lines)
        {
            var (method, route) = (JavaScriptEncoder.Default.Encode(line.Method), JavaScriptEncoder.Default.Encode(line.Route));
            var safe = line with { Method = method, Route = route };
            text.Append(CultureInfo.InvariantCulture,
                $"{{\"Timestamp\":\"{line.At:O}\",\"Level\":\"{level}\",\"MessageTemplate\":\"{Text}\",\"RenderedMessage\":\"");
            Message(text, safe);
            text.Append(CultureInfo.InvariantCulture, $"\",\"Properties\":{{\"Method\":\"{method}\",\"Route\":\"{route}\",")
                .Append(CultureInfo.InvariantCulture, $"\"Status\":{line.Status},\"Milliseconds\":{line.Milliseconds:0.####},")
                .Append(CultureInfo.InvariantCulture, $"\"UserId\":\"{line.UserId}\",\"Trace\":\"{TraceOf(line)}\",")
                .Append(CultureInfo.InvariantCulture, $"\"EventId\":{{\"Id\":1,\"Name\":\"request\"}},\"SourceContext\":\"{Category}\"}}}}")
                .AppendLine();
        }
        output.Write(text);
    }

    private static void Message(StringBuilder text, in RequestLine line) => text.Append(
        CultureInfo.InvariantCulture,
        $"{line.Method} {line.Route} {line.Status} in {line.Milliseconds:0.0} ms, user {line.UserId}, trace {TraceOf(line)}");

    private static string TraceOf(in RequestLine line) => line.Trace?.ToHexString() ?? "-";

    /// <summary>The form of the files: JSON, a line for each event.</summary>
    internal sealed class Json : ITextFormatter
    {
        private readonly JsonFormatter others = new(renderMessage: true);

        public void Format(LogEvent logEvent, TextWriter output)
        {
            if (Of(logEvent) is { } requests)
                requests.WriteJson(logEvent.Level, output);
            else
                others.Format(logEvent, output);
        }
    }
}
