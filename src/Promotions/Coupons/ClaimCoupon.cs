using System.Text;

namespace Boon.Promotions.Coupons;

/// <summary>Claims a coupon of a type: the next one in upload order, or a place in the queue of a paced type.</summary>
internal static class ClaimCoupon
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(1);

    /// <summary>The body of POST /v1/claims.</summary>
    /// <param name="Type">The coupon type; none: a coupon without a type.</param>
    internal sealed record Request(string? Type);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/claims", Handle)
        .WithUnit<PromotionsDb>(idempotent: true).ForMembers().WithTags("Coupons")
        .WithSummary("Claims a coupon of a type.")
        .WithDescription("201 with the coupon; 202 with the place in the queue where the type is paced (then ask at Location, after Retry-After); 200 with the claim that the caller has already. "
            + "409 `sold-out`, 429 `queue-full`, 404 `type-unknown`.")
        .Produces<ClaimView>(StatusCodes.Status201Created).Produces<ClaimView>(StatusCodes.Status202Accepted).Produces<ClaimView>();

    private static async Task<IResult> Handle(
        Request? request, ClaimsPrincipal caller, HttpContext http, ClaimQueue queue, ClaimPacer pacer, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var type = (request?.Type ?? CouponType.Untyped).Normalize(NormalizationForm.FormC);
        if (request?.Type is not null && !CouponRules.TypeName.IsMatch(type))
            return UnknownType();
        if (unit.Idempotency is null)
            return await queue.ClaimAsync(type, caller.UserId(), ct) is { } result
                ? Answer(http, result)
                : Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "busy", "Too many claims wait in this moment; try again.", FirstLook);

        // With an Idempotency-Key, the claim and the stored answer are one transaction of their own.
        await unit.BeginAsync(ct);
        var own = (await ClaimBatch.RunAsync(unit, type, [new ClaimWish(caller.UserId(), System.Diagnostics.Activity.Current?.Id)], ct))[0];
        if (own.Answer == ClaimAnswer.SoldOut)
            unit.KeepRefusal();
        pacer.Wake();
        return Answer(http, own);
    }

    private static IResult Answer(HttpContext http, ClaimResult result)
    {
        var claim = result.Claim;
        switch (result.Answer)
        {
            case ClaimAnswer.Granted:
                return TypedResults.Created($"/v1/claims/{claim!.Id}", claim);
            case ClaimAnswer.Queued:
                http.Response.Headers.RetryAfter = $"{FirstLook.TotalSeconds:0}";
                return TypedResults.Accepted($"/v1/claims/{claim!.Id}", claim);
            case ClaimAnswer.Same:
                GetClaim.RetryAfter(http, claim!);
                return TypedResults.Ok(claim);
            case ClaimAnswer.SoldOut:
                return Problems.Of(StatusCodes.Status409Conflict, "sold-out", "No coupon of this type is left.");
            case ClaimAnswer.QueueFull:
                return Problems.RetryLater(http, StatusCodes.Status429TooManyRequests, "queue-full", "As many claims as can wait are waiting; try again.", FirstLook);
            default:
                return UnknownType();
        }
    }

    private static ProblemHttpResult UnknownType() => Problems.Of(StatusCodes.Status404NotFound, "type-unknown", "There is no such coupon type.");
}
