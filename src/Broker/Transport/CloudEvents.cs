using System.Globalization;
using System.Text;
using System.Text.Json;
using Boon.Platform.Data;

namespace Boon.Broker.Transport;

/// <summary>
/// Messages as CloudEvents 1.0 in binary mode: the attributes are headers, and the data is the body, byte for byte. An event has the
/// attributes that <c>GET /v1/events</c> shows; each message also says of which stream and log it is, and how far they are.
/// </summary>
internal static class CloudEvents
{
    internal const string ContentType = "application/json";
    private const string SpecVersion = "1.0";
    private const string Heartbeat = "boon.heartbeat.v1";

    /// <summary>As PostgreSQL keeps times: to the microsecond.</summary>
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    /// <summary>More than PostgreSQL lets JSON nest, so what was in a log passes.</summary>
    private const int DeepestData = 10_000;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The headers of a message, with their values as text. Of a heartbeat there is no body.</summary>
    internal static void Write(CloudEventNames names, string module, LogMessage message, Action<string, string> header)
    {
        var e = message.Event;
        header(names.SpecVersion, SpecVersion);
        header(names.Id, (e?.Id ?? OrderedId.New()).ToString());
        header(names.Source, $"/{module}");
        header(names.Type, e?.Type ?? Heartbeat);
        header(names.Stream, message.Stream.ToString());
        header(names.LogId, message.LogId.ToString());
        header(names.Shipped, Text(message.Shipped));
        header(names.Head, Text(message.Head));
        if (e is null)
            return;
        header(names.Subject, $"{e.AggregateType}/{e.AggregateId}");
        header(names.Time, Text(e.Time));
        header(names.Sequence, Text(e.Sequence));
        header(names.RecordedTime, Text(e.RecordedAt));
        Optional(names.TraceParent, e.TraceParent);
        Optional(names.UserId, e.UserId?.ToString());
        Optional(names.CausationId, e.CausationId?.ToString());
        Optional(names.By, e.By);
        Optional(names.Reason, e.Reason);

        void Optional(string name, string? value)
        {
            if (value is not null)
                header(name, value);
        }
    }

    /// <summary>A message as it came; with what is wrong with it, if it cannot be read.</summary>
    /// <param name="names">The names of the headers.</param>
    /// <param name="module">The module whose stream it is.</param>
    /// <param name="headers">The value of a header; null: there is none. Values are texts in UTF-8.</param>
    /// <param name="body">The body, which is copied.</param>
    internal static (LogMessage? Message, string? Fault) Read(
        CloudEventNames names, string module, Func<string, object?> headers, ReadOnlySpan<byte> body)
    {
        try
        {
            var read = new Attributes(headers);
            read.Must(names.SpecVersion, SpecVersion);
            read.Must(names.Source, $"/{module}");
            var type = read.Text(names.Type);
            var e = type == Heartbeat ? null : ReadEvent(names, module, type, read, body);
            var message = new LogMessage(
                read.Id(names.Stream), read.Id(names.LogId), read.Number(names.Shipped, least: 0), read.Number(names.Head, least: 0), e);
            return (message, null);
        }
        catch (UnreadableException error)
        {
            return (null, error.Message);
        }
    }

    private static LoggedEvent ReadEvent(CloudEventNames names, string module, string type, Attributes read, ReadOnlySpan<byte> body)
    {
        var subject = read.Text(names.Subject);
        // Kinds of things have no slash, ids may have one.
        var slash = subject.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            throw new UnreadableException($"{names.Subject} is not a kind, a slash and an id");
        return new LoggedEvent(
            module, read.Number(names.Sequence, least: 1), read.Id(names.Id), type, subject[..slash], subject[(slash + 1)..],
            read.OptionalId(names.UserId), Json(body), read.Time(names.Time), read.Time(names.RecordedTime),
            read.OptionalText(names.TraceParent), read.OptionalId(names.CausationId), read.OptionalText(names.By),
            read.OptionalText(names.Reason));
    }

    /// <summary>PostgreSQL refuses a row whose data is no JSON, so that is found here.</summary>
    private static byte[] Json(ReadOnlySpan<byte> body)
    {
        // The reader looks into texts only when somebody asks for them.
        if (!System.Text.Unicode.Utf8.IsValid(body))
            throw new UnreadableException("the body is not UTF-8");
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = DeepestData });
        try
        {
            while (reader.Read())
            {
                // to the end
            }
        }
        catch (JsonException)
        {
            throw new UnreadableException("the body is not JSON");
        }
        return body.ToArray();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(DateTime time) => time.ToUniversalTime().ToString(TimeFormat, CultureInfo.InvariantCulture);

    private sealed class UnreadableException(string message) : Exception(message);

    /// <summary>Reads headers, and says at the first fault which.</summary>
    private readonly struct Attributes(Func<string, object?> headers)
    {
        internal string? OptionalText(string name)
        {
            if (headers(name) is not { } value)
                return null;
            try
            {
                // A text of PostgreSQL holds no U+0000.
                return value is byte[] bytes && !bytes.AsSpan().Contains((byte)0) ? Utf8.GetString(bytes)
                    : throw new UnreadableException($"{name} is not a text");
            }
            catch (DecoderFallbackException)
            {
                throw new UnreadableException($"{name} is not UTF-8");
            }
        }

        internal string Text(string name) => OptionalText(name) ?? throw new UnreadableException($"{name} is missing");

        internal void Must(string name, string value)
        {
            if (Text(name) is var text && text != value)
                throw new UnreadableException($"{name} is not {value}");
        }

        internal Guid? OptionalId(string name) => OptionalText(name) is not { } text ? null
            : Guid.TryParseExact(text, "D", out var id) ? id : throw new UnreadableException($"{name} is not an id");

        internal Guid Id(string name) => OptionalId(name) ?? throw new UnreadableException($"{name} is missing");

        internal long Number(string name, long least) =>
            long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least ? number
                : throw new UnreadableException($"{name} is not a number from {least}");

        internal DateTime Time(string name) =>
            DateTime.TryParseExact(Text(name), TimeFormat, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
                : throw new UnreadableException($"{name} is not a time in UTC with microseconds");
    }
}
