using Boon.Promotions.Codes;

namespace Boon.Promotions.Redemptions;

/// <summary>Redeems a code: takes one of its uses and gives the discount.</summary>
internal static class RedeemCode
{
    /// <summary>The body of POST /v1/redemptions.</summary>
    /// <param name="Code">A voucher or coupon of the caller.</param>
    /// <param name="Amount">Of the purchase, in minor units.</param>
    /// <param name="Currency">ISO 4217, such as <c>USD</c>.</param>
    /// <param name="Product">What is bought.</param>
    /// <param name="Reference">The caller's own, such as an order number.</param>
    /// <param name="AllowZeroDiscount">Take a use also when the discount is rounded to nothing; otherwise that is refused with
    /// <c>no-discount</c>.</param>
    /// <example>{"code": "SUMMER-30", "amount": 5000, "currency": "USD", "product": "mobile-top-up", "reference": "order-4711"}</example>
    internal sealed record Request(
        [Required, Length(1, CodeText.Longest)] string? Code, [Required, Range(1L, Money.LargestAmount)] long? Amount,
        [Required, RegularExpression(Money.CurrencyPattern)] string? Currency, [Length(1, 100)] string? Product,
        [Length(1, 200)] string? Reference,
        bool? AllowZeroDiscount);

    /// <summary>A redemption.</summary>
    /// <param name="Id">To release it by.</param>
    /// <param name="Code">The code.</param>
    /// <param name="Discount">Taken off, in minor units.</param>
    /// <param name="Total">What is left to pay.</param>
    /// <param name="RemainingUses">How often the code can still be redeemed.</param>
    /// <example>
    /// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "code": "7KQM-2XRT-9FHB", "discount": 300, "total": 700, "remainingUses": 0}
    /// </example>
    internal sealed record RedemptionView(Guid Id, string Code, long Discount, long Total, int RemainingUses);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/redemptions", Handle)
        .WithUnit<PromotionsDb>(idempotent: true).ForMembers().WithTags("Redemptions")
        .WithSummary("Redeems a code.")
        .WithDescription("404 `code-invalid` (unknown or not the caller's), 410 `code-expired`, 409 `code-exhausted`, 422 `min-spend`, "
            + "`product-not-covered`, `currency-mismatch`, or `no-discount` if the discount would be nothing.")
        .Produces<RedemptionView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status404NotFound, "code-invalid").Refuses(StatusCodes.Status410Gone, "code-expired")
            .Refuses(StatusCodes.Status409Conflict, "code-exhausted")
        .Refuses(StatusCodes.Status422UnprocessableEntity, "min-spend", "product-not-covered", "currency-mismatch", "no-discount");

    private static async Task<IResult> Handle(Request request, ClaimsPrincipal caller, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var validation = new Purchase(request.Code, request.Amount, request.Currency, request.Product, request.AllowZeroDiscount)
            .Validate();
        validation.Text(request.Reference, "reference", 1, 200, required: false);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var wish = new RedemptionWish(
            request.Code!, caller.UserId(), request.Amount!.Value, request.Currency!, request.Product, request.Reference,
            request.AllowZeroDiscount is true);
        await unit.BeginAsync(ct);
        var redeemed = (await RedemptionBatch.RedeemAsync(unit, [wish], ct))[0];
        if (redeemed.Refusal == "code-invalid")
            return Refused(redeemed.Refusal);
        redeemed.Append(unit);
        if (redeemed.Refusal is null)
            return TypedResults.Created(
                $"/v1/redemptions/{redeemed.Id}", new RedemptionView(
                    redeemed.Id, redeemed.Code, redeemed.Discount, redeemed.Total, redeemed.RemainingUses));
        unit.KeepRefusal();
        return Refused(redeemed.Refusal);
    }

    private static ProblemHttpResult Refused(string reason) => reason switch
    {
        "code-expired" => Problems.Of(StatusCodes.Status410Gone, reason, "This code has expired."),
        "code-exhausted" => Problems.Of(StatusCodes.Status409Conflict, reason, "This code has no uses left."),
        "min-spend" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "The amount is below the minimum of this code."),
        "product-not-covered" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "This code is not for this product."),
        "no-discount" => Problems.Of(
            StatusCodes.Status422UnprocessableEntity, reason,
            "The discount of this code for this amount is nothing; with allowZeroDiscount it is redeemed all the same."),
        "currency-mismatch" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "This code is for another currency."),
        _ => Problems.Of(StatusCodes.Status404NotFound, "code-invalid", "This code is unknown or not yours."),
    };
}
