using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Boon.Promotions.Uploads;

/// <summary>
/// Reads <c>{"coupons": [...]}</c> from a request as it arrives, one coupon at a time: the body is never held as a whole.
/// </summary>
internal sealed class CouponJson(CouponRows rows)
{
    private enum Place { Start, Members, Coupons, End }

    /// <summary>Deep enough that a coupon which nests deeper than it may is refused as a row, not as a body.</summary>
    private static readonly JsonReaderOptions Strict = new() { MaxDepth = 64 };

    private Place place;
    private bool found;
    private JsonReaderState state = new(Strict);

    /// <summary>Reads to the end, or until there are more rows than may be (true).</summary>
    /// <exception cref="BadHttpRequestException">The body is not the JSON that this call takes.</exception>
    internal async Task<bool> ReadAsync(PipeReader body, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                var read = await body.ReadAsync(ct);
                var consumed = read.Buffer.End; // also when what is read turns out to be faulty
                try
                {
                    consumed = Consume(read.Buffer, read.IsCompleted);
                }
                finally
                {
                    body.AdvanceTo(consumed, read.Buffer.End);
                }
                if (rows.Count > CouponRows.Most)
                    return true;
                if (!read.IsCompleted)
                    continue;
                return found && place == Place.End ? false : throw new InputFaultException("coupons is required: an array of 1 to 50,000");
            }
        }
        catch (JsonException error)
        {
            throw new BadHttpRequestException("The body is not JSON.", StatusCodes.Status400BadRequest, error);
        }
    }

    private SequencePosition Consume(ReadOnlySequence<byte> buffer, bool isFinal)
    {
        var reader = new Utf8JsonReader(buffer, isFinal, state);
        while (rows.Count <= CouponRows.Most)
        {
            // A coupon is looked at when it is here from its first byte to its last.
            var ahead = reader;
            if (!ahead.Read() || (place == Place.Coupons && ahead.TokenType != JsonTokenType.EndArray && !ahead.TrySkip()))
                break;
            reader.Read();
            Token(ref reader);
        }
        state = reader.CurrentState;
        return reader.Position;
    }

    private void Token(ref Utf8JsonReader reader)
    {
        switch (place, reader.TokenType)
        {
            case (Place.Start, JsonTokenType.StartObject):
                place = Place.Members;
                break;
            case (Place.Members, JsonTokenType.PropertyName) when reader.ValueTextEquals("coupons"u8) && !found:
                found = true;
                break;
            case (Place.Members, JsonTokenType.PropertyName):
                throw new InputFaultException(
                    found ? "coupons must be the only member, once" : "only coupons is a member of this call's body");
            case (Place.Members, JsonTokenType.StartArray) when found:
                place = Place.Coupons;
                break;
            case (Place.Members, JsonTokenType.EndObject):
                place = Place.End;
                break;
            case (Place.Coupons, JsonTokenType.EndArray):
                place = Place.Members;
                break;
            case (Place.Coupons, _):
                using (var coupon = JsonDocument.ParseValue(ref reader))
                    Row(coupon.RootElement);
                break;
            default:
                throw new InputFaultException("must be {\"coupons\": [...]}");
        }
    }

    private void Row(JsonElement coupon)
    {
        if (coupon.ValueKind != JsonValueKind.Object)
        {
            rows.Unreadable(null, "must be an object");
            return;
        }
        var raw = default(RawCoupon);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? fault = null;
        var field = "";
        try
        {
            foreach (var member in coupon.EnumerateObject())
            {
                field = member.Name;
                fault = !seen.Add(field)
                    ? "appears more than once" : field == "discount" ? Discount(member.Value, ref raw, out field) : Member(member, ref raw);
                if (fault is not null)
                    break;
            }
        }
        catch (InvalidOperationException)
        {
            fault = "is not valid Unicode";
        }
        if (fault is not null)
            rows.Unreadable(field, fault);
        else
            rows.Add(raw);
    }

    private static string? Member(JsonProperty member, ref RawCoupon raw)
    {
        var value = member.Value;
        switch (member.Name)
        {
            case "code":
                return Text(value, out var code) ? Set(raw = raw with { Code = code }) : "must be a text";
            case "type":
                return Text(value, out var type) ? Set(raw = raw with { Type = type }) : "must be a text";
            case "match":
                return Text(value, out var match) ? Set(raw = raw with { Match = match }) : "must be a text";
            case "expiresAt":
                DateTimeOffset? expires = null;
                return Text(value, out var time)
                    ? CouponTimes.Read(time, out expires) ?? Set(raw = raw with { ExpiresAt = expires }) : CouponTimes.Form;
            case "maxUses":
                if (value.ValueKind == JsonValueKind.Null)
                    return null;
                return JsonNumber.TryWhole(value, out var uses) && uses is >= int.MinValue and <= int.MaxValue
                    ? Set(raw = raw with { MaxUses = (int)uses }) : "must be a whole number";
            default:
                return "is not a member of a coupon";
        }
    }

    private static string? Discount(JsonElement discount, ref RawCoupon raw, out string field)
    {
        field = "discount";
        if (discount.ValueKind != JsonValueKind.Object)
            return "must be an object";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in discount.EnumerateObject())
        {
            field = "discount." + member.Name;
            if (!seen.Add(member.Name))
                return "appears more than once";
            switch (member.Name)
            {
                case "kind" when Text(member.Value, out var kind):
                    raw = raw with { Kind = kind };
                    break;
                case "currency" when Text(member.Value, out var currency):
                    raw = raw with { Currency = currency };
                    break;
                case "value" when JsonNumber.TryWhole(member.Value, out var value):
                    raw = raw with { Value = value };
                    break;
                case "kind" or "currency":
                    return "must be a text";
                case "value":
                    return "must be a whole number";
                default:
                    return "is not a member of a discount";
            }
        }
        return null;
    }

    private static string? Set(RawCoupon _) => null;

    private static bool Text(JsonElement value, out string? text)
    {
        text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        return value.ValueKind is JsonValueKind.String or JsonValueKind.Null;
    }
}

/// <summary>Times of uploads.</summary>
internal static class CouponTimes
{
    internal const string Form = "must be a time as in RFC 3339, such as 2030-01-31T09:00:00Z";

    internal const string Range = "must be a time of the years 2 to 9999";

    private const int Longest = 40;
    private const int FirstYear = 2;

    private static readonly System.Buffers.SearchValues<char> Allowed = System.Buffers.SearchValues.Create("0123456789-:.+TtZz");

    /// <summary>Reads a time with an offset; an absent one (null) is read as none. Answers what is wrong with it, or null.</summary>
    internal static string? Read(string? text, out DateTimeOffset? time)
    {
        time = null;
        if (text is null)
            return null;
        if (text.Length is < 20 or > Longest || text.AsSpan().IndexOfAnyExcept(Allowed) >= 0)
            return Form;
        var hasOffset = text.EndsWith('Z') || text.EndsWith('z') || text.AsSpan(19).IndexOfAny('+', '-') >= 0;
        var reader = new Utf8JsonReader(System.Text.Encoding.ASCII.GetBytes($"\"{text.ToUpperInvariant()}\""));
        if (!hasOffset || !reader.Read() || !reader.TryGetDateTimeOffset(out var read))
            return text.StartsWith("0000", StringComparison.Ordinal) ? Range : Form;
        if (read.UtcDateTime.Year < FirstYear)
            return Range;
        time = read.ToUniversalTime();
        return null;
    }
}
