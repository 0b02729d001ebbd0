using Boon.Promotions.Codes;

namespace Boon.Promotions.Redemptions;

/// <summary>Says what a code would take off, or why nothing. Changes nothing.</summary>
internal static class PreviewRedemption
{
    /// <summary>What a redemption would give at this moment.</summary>
    /// <param name="Valid">True when the code can be redeemed.</param>
    /// <param name="Reason">Why not: the code that a redemption would be refused with.</param>
    /// <param name="Discount">What it would take off, in minor units.</param>
    /// <param name="Total">What would be left to pay.</param>
    /// <example>{"valid": true, "discount": 300, "total": 700}</example>
    internal sealed record RedemptionPreview(bool Valid, string? Reason, long Discount, long Total);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/redemptions/preview", Handle)
        .ForMembers().WithTags("Redemptions")
        .WithSummary("What a code would take off. If it cannot be redeemed, `valid` is false and `reason` says why. Changes nothing.")
        .Produces<RedemptionPreview>();

    private static async Task<IResult> Handle(
        Purchase request, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        var validation = request.Validate();
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var wanted = (request.Code!, caller.UserId());
        var code = (await RedeemableCode.FindAsync(new RoundTrip(module), [wanted], locked: false, ct)).GetValueOrDefault(wanted);
        var amount = request.Amount!.Value;
        var refusal = code is null
            ? "code-invalid" : code.Refusal(amount, request.Currency!, request.Product, request.AllowZeroDiscount is true);
        var discount = refusal is null ? Discounts.Of(code!.Benefit, amount) : 0;
        return TypedResults.Ok(new RedemptionPreview(refusal is null, refusal, discount, amount - discount));
    }
}
