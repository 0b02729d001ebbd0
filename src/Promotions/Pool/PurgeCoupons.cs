namespace Boon.Promotions.Pool;

/// <summary>Takes coupons that expired before anybody claimed them out of their pools, now.</summary>
internal static class PurgeCoupons
{
    /// <summary>What was purged.</summary>
    /// <param name="Purged">How many coupons.</param>
    /// <param name="Held">Types that others claimed from or uploaded to all the time, so that they were passed: the schedule purges
    /// them.</param>
    /// <example>{"purged": 120, "held": []}</example>
    internal sealed record PurgeView(long Purged, IReadOnlyList<string> Held);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/coupons/purge", Handle)
        .ForOperators().WithTags("Coupons")
        .WithSummary("Purges the expired coupons that nobody claimed, at once. A schedule does this too. Claimed coupons keep their "
            + "history, and a purged code cannot be used again.")
        .Produces<PurgeView>();

    private static async Task<IResult> Handle(ClaimsPrincipal caller, CouponPurge purge, CancellationToken ct)
    {
        var (purged, held) = await purge.RunAsync(Actor.Of(caller), ct);
        return TypedResults.Ok(new PurgeView(purged, held));
    }
}
