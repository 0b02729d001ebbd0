using System.Text.Json;
using Boon.Promotions.CouponTypes;

namespace Boon.Promotions.Claims;

/// <summary>Claims a coupon of a type: the next one in upload order, or a place in the queue of a paced type.</summary>
internal static class ClaimCoupon
{
    /// <summary>The generated code with the API's own settings (times, escapes).</summary>
    private static readonly PromotionsJson Http = new(new JsonSerializerOptions(Json.Options));

    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(1);

    /// <summary>The body of POST /v1/claims.</summary>
    /// <param name="Type">The coupon type; none: a coupon without a type.</param>
    /// <example>{"type": "SUMMER"}</example>
    internal sealed record Request(string? Type);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/claims", Handle)
        .TakesIdempotencyKey().ForMembers().WithTags("Coupons")
        .WithSummary("Claims a coupon of a type.")
        .WithDescription("201 with the coupon; 202 with the place in the queue if the type is paced (then ask at Location, after "
            + "Retry-After); 200 with the claim if the caller already has one. "
            + "409 `sold-out`, 429 `queue-full`, 404 `type-unknown`.")
        .Produces<ClaimView>(StatusCodes.Status201Created).Produces<ClaimView>(StatusCodes.Status202Accepted).Produces<ClaimView>()
        .Refuses(StatusCodes.Status404NotFound, "type-unknown").Refuses(StatusCodes.Status409Conflict, "sold-out")
        .Refuses(StatusCodes.Status429TooManyRequests, "queue-full").Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        Request request, ClaimsPrincipal caller, HttpContext http, ClaimQueue queue, ModuleDatabase<PromotionsDb> module,
        CancellationToken ct)
    {
        var key = http.Features.Get<IdempotencyClaim>();
        var type = request.Type ?? CouponType.Untyped;
        if (type.Length > CouponRules.LongestTypeName || (type.Length == 0 && request.Type is not null) || !await queue.KnowsAsync(
            type, ct))
        {
            if (key is not null)
                await key.ThrowIfAnsweredAsync(module.Database, ct);
            return UnknownType();
        }
        return await queue.ClaimAsync(type, new ClaimWish(caller.UserId(), System.Diagnostics.Activity.Current?.Id, key)) is { } result
            ? Answer(http, result)
            : Problems.RetryLater(
                http, StatusCodes.Status503ServiceUnavailable, "busy", "Too many claims are waiting at this moment; try again.", FirstLook);
    }

    private static IResult Answer(HttpContext http, ClaimResult result)
    {
        switch (result.Answer)
        {
            case ClaimAnswer.Queued:
                http.Response.Headers.RetryAfter = $"{FirstLook.TotalSeconds:0}";
                break;
            case ClaimAnswer.Same:
                GetClaim.RetryAfter(http, result.Claim!);
                break;
            case ClaimAnswer.QueueFull:
                return Problems.RetryLater(
                    http, StatusCodes.Status429TooManyRequests, "queue-full", "The queue of this type is full; try again.", FirstLook);
            case ClaimAnswer.Repeated:
                throw result.Repeat!;
        }
        return Kept(result) is { } answer ? answer : UnknownType();
    }

    /// <summary>
    /// The answer as it is kept under a request's key; null for one that is not kept, because the same request may get another one later.
    /// Written in one piece: in a drop, a granted claim is nearly every answer.
    /// </summary>
    internal static StoredAnswer? Kept(ClaimResult result) => result.Answer switch
    {
        ClaimAnswer.Granted => Claim(StatusCodes.Status201Created, result.Claim!),
        ClaimAnswer.Queued => Claim(StatusCodes.Status202Accepted, result.Claim!),
        ClaimAnswer.Same => Claim(StatusCodes.Status200OK, result.Claim!),
        ClaimAnswer.SoldOut => Problems.Render(Problems.Of(StatusCodes.Status409Conflict, "sold-out", "No coupon of this type is left.")),
        _ => null,
    };

    private static StoredAnswer Claim(int status, ClaimView claim) => new(
        status, "application/json; charset=utf-8", status == StatusCodes.Status200OK ? null : $"/v1/claims/{claim.Id}",
        JsonSerializer.SerializeToUtf8Bytes(claim, Http.ClaimView));

    private static ProblemHttpResult UnknownType() =>
        Problems.Of(StatusCodes.Status404NotFound, "type-unknown", "There is no such coupon type.");
}
