using System.Text.Json;

namespace Boon.Promotions.Coupons;

/// <summary>Claims a coupon of a type: the next one in upload order, or a place in the queue of a paced type.</summary>
internal static class ClaimCoupon
{
    /// <summary>The generated code with the API's own settings (times, escapes).</summary>
    private static readonly PromotionsJson Http = new(new JsonSerializerOptions(Json.Options));

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
        Request request, ClaimsPrincipal caller, HttpContext http, ClaimQueue queue, ClaimPacer pacer, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var type = request.Type ?? CouponType.Untyped;
        if (type.Length > CouponRules.LongestTypeName || (type.Length == 0 && request.Type is not null))
            return UnknownType();
        if (unit.Idempotency is null)
            return await queue.ClaimAsync(type, caller.UserId(), ct) is { } result
                ? Answer(http, result)
                : Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "busy", "Too many claims wait in this moment; try again.", FirstLook);

        // With an Idempotency-Key, the claim and the stored answer are one transaction of their own.
        await unit.BeginAsync(ct);
        var own = (await ClaimBatch.RunAsync(unit, type, [new ClaimWish(caller.UserId(), System.Diagnostics.Activity.Current?.Id)], ct))[0];
        ClaimMetrics.Batch(type, [own]);
        if (own.Answer == ClaimAnswer.SoldOut)
            unit.KeepRefusal();
        if (own.Answer == ClaimAnswer.Queued)
            http.Response.OnCompleted(() =>
            {
                pacer.Wake();
                return Task.CompletedTask;
            });
        if (own.Answer == ClaimAnswer.QueueFull)
        {
            // Logged, but not kept as the key's answer: the same request may find a place later.
            await unit.RollbackAsync();
            await queue.LogFullAsync(type, caller.UserId(), ct);
        }
        return Answer(http, own);
    }

    private static IResult Answer(HttpContext http, ClaimResult result)
    {
        var claim = result.Claim;
        switch (result.Answer)
        {
            case ClaimAnswer.Granted:
                return new Granted(claim!);
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

    /// <summary>201 with the claim, written at once and in one piece: in a drop this is nearly every answer.</summary>
    private sealed class Granted(ClaimView claim) : IResult, IStatusCodeHttpResult
    {
        public int? StatusCode => StatusCodes.Status201Created;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(claim, Http.ClaimView);
            var response = httpContext.Response;
            response.StatusCode = StatusCodes.Status201Created;
            response.ContentType = "application/json; charset=utf-8";
            response.ContentLength = body.Length;
            response.Headers.Location = $"/v1/claims/{claim.Id}";
            await response.Body.WriteAsync(body);
        }
    }

    private static ProblemHttpResult UnknownType() => Problems.Of(StatusCodes.Status404NotFound, "type-unknown", "There is no such coupon type.");
}
