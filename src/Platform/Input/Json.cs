using System.Text.Json;
using System.Text.Json.Serialization;

namespace Boon.Platform.Input;

/// <summary>
/// The JSON that the API speaks: camelCase, strict. Unknown or repeated members, wrong types and text that no database can hold are
/// refused.
/// </summary>
public static class Json
{
    /// <summary>Deeper nesting than this is refused.</summary>
    public const int MaxDepth = 16;

    /// <summary>Applies the settings.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        options.MaxDepth = MaxDepth;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new TextConverter());
        options.Converters.Add(new LongConverter());
        options.Converters.Add(new IntConverter());
        options.Converters.Add(new TimeConverter());
    }

    /// <summary>Options with these settings, for clients of ours.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Configure(options);
        return options;
    }

    /// <summary>
    /// What keeps a text from being stored and compared: U+0000, which no column can hold, or U+FFFE, which Unicode normalization refuses;
    /// null: nothing.
    /// </summary>
    public static string? Unfit(string text) => text.AsSpan().IndexOfAny(Unfitting) switch
    {
        < 0 => null,
        var at => text[at] == '\0' ? "U+0000" : "U+FFFE",
    };

    private static readonly System.Buffers.SearchValues<char> Unfitting = System.Buffers.SearchValues.Create("\0\uFFFE");

    /// <summary>JSON in one line, without white space between its tokens; numbers stay as they are written.</summary>
    public static string Compact(JsonElement value)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(
            buffer, new JsonWriterOptions { Encoder = Options.Encoder, MaxDepth = 1_000, SkipValidation = true }))
            value.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// Text that PostgreSQL can hold: valid Unicode without U+0000; in normalization form C, whatever keyboard it was typed on.
    /// </summary>
    private sealed class TextConverter : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new InputFaultException("must be a text");
            string text;
            try
            {
                text = reader.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw new InputFaultException("is not valid Unicode");
            }
            return Defences.InputGuard.On && Unfit(text) is { } unfit
                ? throw new InputFaultException($"must not contain {unfit}") : TextKeys.Nfc(text);
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString()!;

        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WritePropertyName(value);
    }

    /// <summary>JSON has one type of numbers: <c>5000</c>, <c>5000.0</c> and <c>5e3</c> are one whole number.</summary>
    private sealed class LongConverter : JsonConverter<long>
    {
        public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Whole(ref reader, long.MinValue, long.MaxValue);

        public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private sealed class IntConverter : JsonConverter<int>
    {
        public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            (int)Whole(ref reader, int.MinValue, int.MaxValue);

        public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private static long Whole(ref Utf8JsonReader reader, long least, long most)
    {
        if (reader.TokenType != JsonTokenType.Number)
            throw new InputFaultException("must be a whole number");
        if (!reader.TryGetInt64(out var whole))
        {
            var text = System.Text.Encoding.ASCII.GetString(
                reader.HasValueSequence ? System.Buffers.BuffersExtensions.ToArray(reader.ValueSequence) : reader.ValueSpan);
            if (!JsonNumber.TryRead(text, out var number) || !number.TryWhole(out whole))
                throw new InputFaultException(
                    number is { Exponent: < 0, Digits.Length: > 0 } ? "must be a whole number" : "is out of range");
        }
        return whole >= least && whole <= most ? whole : throw new InputFaultException("is out of range");
    }

    /// <summary>What a time must be.</summary>
    public const string TimeRule = "must be a time as in RFC 3339, of the years 2 to 9998, such as 2030-01-31T09:00:00Z";

    /// <summary>Reads a time; null if it is none.</summary>
    public static DateTimeOffset? ReadTime(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out var time) && IsTime(value.GetString()!, time)
            ? time.ToUniversalTime() : null;

    private static bool IsTime(string text, DateTimeOffset time) =>
        (text.EndsWith('Z') || text.EndsWith('z') || (text.Length > 19 && text.AsSpan(19).IndexOfAny('+', '-') >= 0))
            && time.UtcDateTime.Year is > 1 and < 9999;

    /// <summary>RFC 3339: an offset is required on the way in; UTC with <c>Z</c> on the way out.</summary>
    private sealed class TimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            return reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time)
                && IsTime(reader.GetString()!, time) ? time.ToUniversalTime() : throw new InputFaultException(TimeRule);
        }

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'"));
    }
}
