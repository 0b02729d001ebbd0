using Boon.Promotions.Codes;
using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Uploads;

/// <summary>Uploads 1 to 50,000 coupons, JSON or CSV: all of them or none.</summary>
internal static class UploadCoupons
{
    /// <summary>The largest body in bytes: 50,000 long rows.</summary>
    internal const long LargestBody = 32 * 1024 * 1024;

    /// <summary>What was uploaded.</summary>
    /// <param name="Uploaded">How many coupons.</param>
    /// <param name="UploadId">The upload, as the log names it.</param>
    /// <example>{"uploaded": 2, "uploadId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a"}</example>
    internal sealed record UploadView(int Uploaded, Guid UploadId);

    // Requests are read by CouponJson and CouponCsv; these types say what they read.

    /// <summary>An upload as JSON.</summary>
    /// <param name="Coupons">1 to 50,000 of them.</param>
    /// <example>
    /// {"coupons": [{"code": "TEN-OFF", "type": "FREE", "discount": {"kind": "percent", "value": 10}, "expiresAt": "2090-01-01T00:00:00Z",
    /// "maxUses": 2}]}
    /// </example>
    internal sealed record Request([Length(1, CouponRows.Most)] IReadOnlyList<NewCoupon> Coupons);

    /// <summary>A coupon to upload.</summary>
    /// <param name="Code">What to redeem.</param>
    /// <param name="Type">Its type; none: a coupon without a type.</param>
    /// <param name="Discount">What it takes off.</param>
    /// <param name="ExpiresAt">From here on it is refused.</param>
    /// <param name="MaxUses">How often it can be redeemed; default 1.</param>
    /// <param name="Match"><c>exact</c> (default): its code is found as it is written; <c>folded</c>: as people type it.</param>
    internal sealed record NewCoupon(
        [Length(1, CodeText.Longest)] string Code, [Length(1, CouponRules.LongestTypeName)] string? Type, NewDiscount Discount,
        DateTimeOffset ExpiresAt, int? MaxUses,
        [AllowedValues("exact", "folded", null)] string? Match);

    /// <summary>What a coupon takes off.</summary>
    /// <param name="Kind"><c>percent</c> of an amount, or a <c>fixed</c> amount.</param>
    /// <param name="Value">1 to 100 percent, or minor units.</param>
    /// <param name="Currency">ISO 4217, of a fixed amount.</param>
    internal sealed record NewDiscount(
        [AllowedValues("percent", "fixed")] string Kind, [Range(1L, Money.LargestAmount)] long Value,
        [RegularExpression(Money.CurrencyPattern)] string? Currency = null);

    /// <summary>Why nothing was uploaded.</summary>
    /// <param name="Type">A URN of the code.</param>
    /// <param name="Title">The status in words.</param>
    /// <param name="Status">The HTTP status.</param>
    /// <param name="Detail">What happened and what to do, for people.</param>
    /// <param name="Code">The stable code, for programs.</param>
    /// <param name="Errors">The first 100 faults.</param>
    internal sealed record UploadProblem(
        string Type, string Title, int Status, string Detail, string Code, IReadOnlyList<RowFault>? Errors);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/coupons", Handle)
        .WithUnit<PromotionsDb>(idempotent: true).ForOperators().WithTags("Coupons").WithMetadata(new BodyLimit(LargestBody))
        .WithSummary("Uploads 1 to 50,000 coupons, all or none.")
        .WithDescription("JSON, or `text/csv` with the header `code,type,discountKind,discountValue,currency,expiresAt,maxUses,match` (any "
            + "order; type, currency, maxUses and match are optional). "
            + "422 `upload-refused` names the first 100 faults as `errors: [{row, field, reason}]`; 413 `too-many-coupons` for more than "
            + "50,000; 429 `too-many-uploads` while this process reads as many uploads as it can. Coupons go out in the order of "
            + "their upload.")
        .Accepts<Request>("application/json", "text/csv")
        .Produces<UploadView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status413PayloadTooLarge, "too-many-coupons").Refuses(StatusCodes.Status429TooManyRequests, "too-many-uploads")
            .Refuses<UploadProblem>(StatusCodes.Status422UnprocessableEntity, "upload-refused");

    private static async Task<IResult> Handle(
        HttpContext http, ClaimsPrincipal caller, UploadPlaces places, ModuleDatabase<PromotionsDb> module, Unit<PromotionsDb> unit,
        TimeProvider time, CancellationToken ct)
    {
        using var place = places.TryTake();
        if (place is not null)
            return await UploadAsync(http, caller.UserId(), module, unit, time, ct);
        await http.Request.Body.CopyToAsync(Stream.Null, ct); // so that a client that still sends sees the answer
        return Problems.RetryLater(
            http, StatusCodes.Status429TooManyRequests, "too-many-uploads", "This process reads as many uploads as it can; try again.",
            UploadPlaces.RetryAfter);
    }

    private static async Task<IResult> UploadAsync(
        HttpContext http, Guid caller, ModuleDatabase<PromotionsDb> module, Unit<PromotionsDb> unit, TimeProvider time,
        CancellationToken ct)
    {
        var form = http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant();
        if (form is not ("application/json" or "text/csv"))
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                "Send the coupons as application/json or text/csv.");
        var rows = new CouponRows(await TypesAsync(module, ct), time.GetUtcNow());
        var tooMany = form == "text/csv"
            ? await CouponCsv.ReadAsync(http.Request.Body, rows, ct)
            : await new CouponJson(rows).ReadAsync(http.Request.BodyReader, ct);
        if (tooMany)
        {
            await http.Request.Body.CopyToAsync(Stream.Null, ct); // so that a client that still sends sees the answer
            return Problems.Of(StatusCodes.Status413PayloadTooLarge, "too-many-coupons",
                $"An upload takes {CouponRows.Most:N0} coupons at most; send several.");
        }
        if (rows.Count == 0 && rows.Faults.Count == 0)
            return Refused([new RowFault(0, null, "there is no coupon in it")]);
        if (rows.Faults.Count > 0 && PromotionsDefences.AllOrNothing.On)
            return Refused(rows.Faults);

        var uploadId = OrderedId.New();
        await unit.BeginAsync(ct);
        try
        {
            await StoreAsync(unit, uploadId, caller, rows.Good, ct);
        }
        catch (PostgresException error) when (error is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "codes_code" })
        {
            await unit.RollbackAsync();
            await FindTakenAsync(module, rows, ct);
            return Refused(rows.Faults);
        }
        return TypedResults.Created("/v1/coupon-types", new UploadView(rows.Good.Count, uploadId));
    }

    private static ProblemHttpResult Refused(IReadOnlyList<RowFault> faults) => TypedResults.Problem(
        "Nothing was uploaded; errors names the first rows at fault.", statusCode: StatusCodes.Status422UnprocessableEntity,
        title: "Unprocessable Entity",
        type: "urn:boon:error:upload-refused", extensions: new Dictionary<string, object?>(StringComparer.Ordinal)
            { ["code"] = "upload-refused", ["errors"] = faults });

    private static async Task<HashSet<string>> TypesAsync(ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        await module.Command("select name from promotions.coupon_types where name <> ''")
            .ReadEachAsync(row => types.Add(row.GetString(0)), ct);
        return types;
    }

    private static async Task StoreAsync(Unit<PromotionsDb> unit, Guid uploadId, Guid by, List<CouponRow> rows, CancellationToken ct)
    {
        // The turn: from here to the commit, no other upload gives positions.
        var position = await unit.Command("""
            update promotions.upload_turn
            set last_position = last_position + $1
            returning last_position - $1
            """, (long)rows.Count)
            .ScalarAsync<long>(ct);
        await using (var copy = await unit.Connection.BeginBinaryImportAsync(
            "copy promotions.codes (id, code, benefit, max_uses, expires_at, type, position, shown) from stdin (format binary)", ct))
        {
            FaultPoints.Reach("upload");
            foreach (var row in rows)
            {
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(OrderedId.New(), NpgsqlDbType.Uuid, ct);
                await copy.WriteAsync(row.Code, NpgsqlDbType.Text, ct);
                await copy.WriteAsync(row.Benefit, NpgsqlDbType.Json, ct);
                await copy.WriteAsync(row.MaxUses, NpgsqlDbType.Integer, ct);
                await copy.WriteAsync(row.ExpiresAt, NpgsqlDbType.TimestampTz, ct);
                await copy.WriteAsync(row.Type, NpgsqlDbType.Text, ct);
                await copy.WriteAsync(++position, NpgsqlDbType.Bigint, ct);
                if (row.Shown is null)
                    await copy.WriteNullAsync(ct);
                else
                    await copy.WriteAsync(row.Shown, NpgsqlDbType.Text, ct);
            }
            await copy.CompleteAsync(ct);
        }
        var counts = new RoundTrip(unit);
        foreach (var type in rows.CountBy(row => row.Type, StringComparer.Ordinal))
        {
            CouponCounts.Add(counts, type.Key, uploaded: type.Value);
            unit.Append(new CouponsUploaded(uploadId, CouponType.NameOf(type.Key), type.Value, by));
        }
        await counts.RunAsync(ct);
    }

    /// <summary>Which codes are stored already; asked only when the database has refused one.</summary>
    private static Task FindTakenAsync(ModuleDatabase<PromotionsDb> module, CouponRows rows, CancellationToken ct) =>
        module.Command("""
            select c.code
            from unnest($1) with ordinality as u (code, row)
            join promotions.codes c on c.code = u.code
            order by u.row
            limit 100
            """, rows.Good.Column(row => row.Code))
            .ReadEachAsync(row => rows.MarkTaken(row.GetString(0)), ct);
}

/// <summary>
/// The uploads that this process reads at once: each takes some megabytes and, in the end, its turn in the database.
/// </summary>
internal sealed class UploadPlaces : IDisposable
{
    private const int Most = 4;

    internal static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim places = new(Most, Most);

    /// <summary>Takes a place until it is disposed; null when none is free.</summary>
    internal IDisposable? TryTake() => places.Wait(TimeSpan.Zero) ? new Place(places) : null;

    /// <inheritdoc/>
    public void Dispose() => places.Dispose();

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
