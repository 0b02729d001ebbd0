using System.Text;
using Boon.Promotions.Coupons;

namespace Boon.Promotions.Redemptions;

/// <summary>Redeems a code: takes one of its uses and gives the discount. One conditional statement decides; no two requests share a use.</summary>
internal static class RedeemCode
{
    /// <summary>The body of POST /v1/redemptions; the reference is the caller's own, such as an order number.</summary>
    internal sealed record Request(string? Code, long? Amount, string? Currency, string? Product, string? Reference);

    /// <summary>A redemption.</summary>
    /// <param name="Id">To release it by.</param>
    /// <param name="Code">The code.</param>
    /// <param name="Discount">Taken off, in minor units.</param>
    /// <param name="Total">What is left to pay.</param>
    /// <param name="RemainingUses">How often the code can still be redeemed.</param>
    internal sealed record View(Guid Id, string Code, long Discount, long Total, int RemainingUses);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/redemptions", Handle)
        .WithUnit<PromotionsDb>(idempotent: true).ForMembers().WithTags("Redemptions")
        .WithSummary("Redeems a code.")
        .WithDescription("404 `code-invalid` (unknown or not the caller's), 410 `code-expired`, 409 `code-exhausted`, 422 `min-spend`, `product-not-covered` or `currency-mismatch`.")
        .Produces<View>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(Request request, ClaimsPrincipal caller, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var validation = new Purchase(request.Code, request.Amount, request.Currency, request.Product).Validate();
        validation.Text(request.Reference, "reference", 1, 200, required: false);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var code = request.Code!.Normalize(NormalizationForm.FormC);
        var amount = request.Amount!.Value;
        var holder = caller.UserId();

        await unit.BeginAsync(ct);
        if (await FindAsync(unit, code, holder, ct) is not { } found)
            return Refused("code-invalid");
        var refusal = found.Refusal(amount, request.Currency!, request.Product);
        if (refusal is null)
        {
            var discount = Discounts.Of(found.Benefit, amount);
            var redemption = await TakeUseAsync(unit, found, holder, request, discount, ct);
            if (redemption is not null)
            {
                unit.Append(new CodeRedeemed(
                    redemption.Id, holder, code, amount, request.Currency!, request.Product, request.Reference, discount, redemption.Total, redemption.RemainingUses));
                return TypedResults.Created($"/v1/redemptions/{redemption.Id}", redemption);
            }
            // Somebody took the last use, or it expired, between the two statements.
            found = (await FindAsync(unit, code, holder, ct))!;
            refusal = found.Refusal(amount, request.Currency!, request.Product) ?? "code-exhausted";
        }
        unit.Append(new RedemptionRefused(holder, code, amount, request.Currency!, request.Product, request.Reference, refusal));
        unit.KeepRefusal();
        return Refused(refusal);
    }

    private static async Task<RedeemableCode?> FindAsync(Unit<PromotionsDb> unit, string code, Guid holder, CancellationToken ct)
    {
        await using var command = unit.Command("");
        return await RedeemableCode.FindAsync(command, code, holder, ct);
    }

    private static async Task<View?> TakeUseAsync(Unit<PromotionsDb> unit, RedeemableCode code, Guid holder, Request request, long discount, CancellationToken ct)
    {
        var id = Guid.CreateVersion7();
        // Who holds a code never changes, so the use alone is what two requests can want at once.
        var take = PromotionsDefences.ConditionalUse
            ? "uses = uses + 1 where id = $2 and uses < max_uses and expires_at > now() and not voided"
            : $"uses = {code.Uses + 1} where id = $2";
        await using var command = unit.Command($"""
            with used as (
                update promotions.codes set {take}
                returning max_uses - uses as remaining
            ), redemption as (
                insert into promotions.redemptions (id, code_id, user_id, amount, currency, product, reference, discount)
                select $1, $2, $3, $4, $5, $6, $7, $8 from used
            )
            select remaining from used
            """, id, code.Id, holder, request.Amount!.Value, request.Currency!, (object?)request.Product ?? DBNull.Value, (object?)request.Reference ?? DBNull.Value, discount);
        command.Parameters[5].NpgsqlDbType = command.Parameters[6].NpgsqlDbType = NpgsqlDbType.Text;
        var taken = await command.ExecuteScalarAsync(ct);
        if (taken is int && code.CouponType is not null)
            await CouponCounts.AddAsync(unit, CouponCounts.Change(code.CouponType, redeemed: 1), ct);
        return taken is int remaining ? new View(id, code.Code, discount, request.Amount!.Value - discount, remaining) : null;
    }

    private static ProblemHttpResult Refused(string reason) => reason switch
    {
        "code-expired" => Problems.Of(StatusCodes.Status410Gone, reason, "This code has expired."),
        "code-exhausted" => Problems.Of(StatusCodes.Status409Conflict, reason, "This code has no uses left."),
        "min-spend" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "The amount is below what this code asks for."),
        "product-not-covered" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "This code is not for this product."),
        "currency-mismatch" => Problems.Of(StatusCodes.Status422UnprocessableEntity, reason, "This code is for another currency."),
        _ => Problems.Of(StatusCodes.Status404NotFound, "code-invalid", "There is no such code for you."),
    };
}
