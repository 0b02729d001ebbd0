using System.Globalization;
using System.Text;
using CsvHelper;

namespace Boon.Promotions.Uploads;

/// <summary>
/// Reads a CSV with the header <c>code,type,discountKind,discountValue,currency,expiresAt,maxUses,match</c> as it arrives; an empty field
/// is an absent one.
/// </summary>
internal static class CouponCsv
{
    /// <summary>Columns of a header of which each fault is told.</summary>
    private const int MostColumns = 100;

    private const int LongestRecord = 64 * 1024;

    private static readonly string[] Required = ["code", "discountKind", "discountValue", "expiresAt"];
    private static readonly string[] Columns =
        ["code", "type", "discountKind", "discountValue", "currency", "expiresAt", "maxUses", "match"];
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads to the end, or until there are more rows than may be (true). A faulty header is a fault of row 0.</summary>
    internal static async Task<bool> ReadAsync(Stream body, CouponRows rows, CancellationToken ct)
    {
        await using var csv = CsvReader.Create(body, new CsvReaderOptions
        {
            Separator = ',',
            Encoding = Encoding.UTF8,
            MaxRecordSize = LongestRecord,
            MalformedData = CsvMalformedDataHandling.Throw,
        }, leaveOpen: true);
        try
        {
            await csv.ReadHeaderAsync(ct);
            if (!Header(csv, rows))
                return false;
            var at = Columns.Select(column => csv.TryGetFieldIndex(column, out var index) ? index : -1).ToArray();
            var width = csv.Headers.Count;
            while (await csv.ReadAsync(ct))
            {
                if (csv.FieldCount != width)
                    rows.Unreadable(null, $"has {csv.FieldCount} fields; the header has {width}");
                else
                    Row(csv, at, rows);
                if (rows.Count > CouponRows.Most)
                    return true;
            }
        }
        catch (Exception error) when (error is FormatException or CsvFormatException) // whose texts are the reader's own
        {
            rows.Unreadable(null, "is no CSV: a quote is left open or stands beside text, or a row is longer than 64 KiB");
        }
        return false;
    }

    private static bool Header(CsvReader csv, CouponRows rows)
    {
        if (csv.Headers.Count > MostColumns)
        {
            rows.HeaderFault("", $"has {csv.Headers.Count:N0} columns; this upload takes {Columns.Length}");
            return false;
        }
        var faults = Required.Where(column => !csv.Headers.Contains(column)).Select(column => (column, "is missing in the header"))
            .Concat(csv.Headers.Where(column => !Columns.Contains(column)).Select(column => (column, "is not a column of this upload")))
            .Concat(csv.Headers.GroupBy(column => column).Where(same => same.Count() > 1)
                .Select(same => (same.Key, "appears more than once in the header"))).ToList();
        foreach (var (column, reason) in faults)
            rows.HeaderFault(column, reason);
        return faults.Count == 0;
    }

    private static void Row(CsvReader csv, int[] at, CouponRows rows)
    {
        var column = 0;
        string? Next()
        {
            var index = at[column++];
            return index < 0 || csv.GetSpan(index) is { Length: 0 } ? null : Utf8.GetString(csv.GetSpan(index));
        }
        try
        {
            var (code, type, kind, value, currency, expires, uses, match) =
                (Next(), Next(), Next(), Next(), Next(), Next(), Next(), Next());
            if (value is not null && !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                rows.Unreadable("discount.value", "must be a whole number");
            else if (uses is not null && !int.TryParse(uses, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                rows.Unreadable("maxUses", "must be a whole number");
            else if (CouponTimes.Read(expires, out var expiresAt) is { } fault)
                rows.Unreadable("expiresAt", fault);
            else
                rows.Add(new RawCoupon(
                    code ?? "", type, kind, value is null ? null : long.Parse(value, CultureInfo.InvariantCulture), currency, expiresAt,
                    uses is null ? null : int.Parse(uses, CultureInfo.InvariantCulture), match));
        }
        catch (DecoderFallbackException)
        {
            rows.Unreadable(Columns[column - 1], "is not valid UTF-8");
        }
    }
}
