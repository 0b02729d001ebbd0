using Boon.Promotions.Codes;
using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Uploads;

/// <summary>What is wrong with a row of an upload.</summary>
/// <param name="Row">From 1; a CSV's header is not counted.</param>
/// <param name="Field">As in the JSON form; null when the row as a whole is at fault.</param>
/// <param name="Reason">For people.</param>
internal sealed record RowFault(int Row, string? Field, string Reason);

/// <summary>A coupon of an upload, checked.</summary>
/// <param name="Code">The key that it is found by.</param>
/// <param name="Shown">What people see, if that is not its key.</param>
/// <param name="Type">Stored name of the type.</param>
/// <param name="Benefit">The discount, as it is stored.</param>
/// <param name="ExpiresAt">UTC.</param>
/// <param name="MaxUses">At least 1.</param>
internal readonly record struct CouponRow(string Code, string? Shown, string Type, byte[] Benefit, DateTime ExpiresAt, int MaxUses);

/// <summary>The fields of a row before they are checked; null: absent.</summary>
internal readonly record struct RawCoupon(
    string? Code, string? Type, string? Kind, long? Value, string? Currency, DateTimeOffset? ExpiresAt, int? MaxUses, string? Match);

/// <summary>
/// Collects the rows of one upload: checks each on its own, for the type that it names and for the codes before it. Keeps the first hundred
/// faults and the good rows.
/// </summary>
internal sealed class CouponRows(IReadOnlySet<string> types, DateTimeOffset now)
{
    /// <summary>The most coupons in one request.</summary>
    internal const int Most = 50_000;

    /// <summary>The most faults that are told.</summary>
    internal const int MostFaults = 100;

    /// <summary>Characters of a field's name that are told: it can be the caller's own.</summary>
    private const int LongestField = 100;

    private readonly Dictionary<string, int> codes = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, long, string?), byte[]> benefits = [];

    /// <summary>Rows seen.</summary>
    internal int Count { get; private set; }

    /// <summary>The good ones.</summary>
    internal List<CouponRow> Good { get; } = [];

    /// <summary>The first faults.</summary>
    internal List<RowFault> Faults { get; } = [];

    /// <summary>Notes a fault of a CSV's header.</summary>
    internal void HeaderFault(string column, string reason) => Fault(column, reason);

    /// <summary>Adds a row that could not be read.</summary>
    internal void Unreadable(string? field, string reason)
    {
        Count++;
        Fault(field, reason);
    }

    /// <summary>Adds and checks a row.</summary>
    internal void Add(in RawCoupon raw)
    {
        Count++;
        var faults = Faults.Count;
        Check(raw.Match is null or "exact" or "folded", "match", "must be exact or folded");
        var (code, shown) = Code(raw.Code, raw.Match == "folded");
        var type = raw.Type ?? CouponType.Untyped;
        if (raw.Type is not null && !types.Contains(raw.Type))
            Fault("type", "is not a coupon type; create it with PUT /v1/coupon-types/{name}");
        switch (raw.Kind)
        {
            case "percent":
                Check(raw.Value is >= 1 and <= 100, "discount.value", "must be 1 to 100 percent");
                break;
            case "fixed":
                Check(MoneyRules.IsAmount(raw.Value), "discount.value", MoneyRules.AmountRule);
                Check(raw.Currency is not null, "discount.currency", "is required for a fixed amount");
                break;
            default:
                Fault("discount.kind", "must be percent or fixed");
                break;
        }
        if (raw.Currency is not null)
            Check(MoneyRules.IsCurrency(raw.Currency), "discount.currency", MoneyRules.CurrencyRule);
        if (raw.ExpiresAt is null)
            Fault("expiresAt", "is required");
        else
            Check(raw.ExpiresAt > now, "expiresAt", "is past");
        Check(raw.MaxUses is null or (>= 1 and <= CodeRules.MostUses), "maxUses", $"must be 1 to {CodeRules.MostUses}");
        if (Faults.Count == faults && faults < MostFaults)
            Good.Add(new CouponRow(
                code!, shown, type, BenefitOf(raw.Kind!, raw.Value!.Value, raw.Currency), raw.ExpiresAt!.Value.UtcDateTime, raw.MaxUses
                ?? 1));
    }

    /// <summary>Notes that a good row's code is taken by a code that is stored already.</summary>
    internal void MarkTaken(string code)
    {
        if (Faults.Count < MostFaults)
            Faults.Add(new RowFault(codes[code], "code", "is taken already"));
    }

    /// <summary>The key of a code, and what people see of it if that is something else.</summary>
    private (string? Key, string? Shown) Code(string? raw, bool folded)
    {
        var text = raw?.Trim();
        if (string.IsNullOrEmpty(text))
        {
            Fault("code", raw is null ? "is required" : "is empty");
            return default;
        }
        if (Json.Unfit(text) is { } unfit)
        {
            Fault("code", $"must not contain {unfit}");
            return default;
        }
        text = CodeText.Exact(text);
        var key = folded ? CodeText.Folded(text) : text;
        if (TextRules.Length(text) > CodeText.Longest)
            Fault("code", $"has more than {CodeText.Longest} characters");
        else if (TextRules.Fault(text, TextKind.Key) is { } fault)
            Fault("code", fault);
        else if (key is null)
            Fault("code", "has nothing but dashes");
        else if (!codes.TryAdd(key, Count))
            Fault("code", $"is in row {codes[key]} too");
        return (key, key == text ? null : text);
    }

    /// <summary>Most rows of an upload share a discount: its bytes are made once.</summary>
    private byte[] BenefitOf(string kind, long value, string? currency)
    {
        if (!benefits.TryGetValue((kind, value, currency), out var bytes))
            benefits[(kind, value, currency)] = bytes = Benefits.Store(new Benefit(kind, value, currency));
        return bytes;
    }

    private void Check(bool holds, string field, string reason)
    {
        if (!holds)
            Fault(field, reason);
    }

    private void Fault(string? field, string reason)
    {
        if (Faults.Count < MostFaults)
            Faults.Add(new RowFault(Count, field is null ? null : Problems.Clip(field, LongestField), reason));
    }
}
