namespace Boon.Promotions.CouponTypes;

/// <summary>Creates a coupon type or changes its rules. The rules count from then on, a pace also for who waits already.</summary>
internal static class PutCouponType
{
    /// <summary>The body of PUT /v1/coupon-types/{name}.</summary>
    /// <param name="PerUser">1 (also when it is left out), or null for no limit.</param>
    /// <param name="Pace">Null, or left out: claims are granted at once.</param>
    /// <example>{"perUser": 1, "pace": {"perSecond": 10, "concurrency": 10, "maxQueue": 100, "maxWaitSeconds": 60}}</example>
    internal sealed record Request([Range(1, 1)] int? PerUser = 1, Pace? Pace = null);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPut("/v1/coupon-types/{name}", Handle)
        .WithUnit<PromotionsDb>().ForOperators().WithTags("Coupons")
        .WithSummary("Creates a coupon type, or sets the rules of one.")
        .WithDescription("`perUser`: 1, or null for no limit. `pace`: null, or `{perSecond, concurrency, maxQueue, maxWaitSeconds}`.")
        .Produces<CouponType>().Produces<CouponType>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(string name, Request request, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        var validation = new Validation();
        CouponRules.Type(validation, name, request.PerUser, request.Pace);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        await unit.BeginAsync(ct);
        var pace = request.Pace;
        var created = await unit.Command("""
            insert into promotions.coupon_types as t (name, per_user, per_second, concurrency, max_queue, max_wait_seconds)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (name) do update set
                per_user = excluded.per_user, per_second = excluded.per_second, concurrency = excluded.concurrency,
                max_queue = excluded.max_queue, max_wait_seconds = excluded.max_wait_seconds
            returning xmax = 0
            """, name, request.PerUser, pace?.PerSecond, pace?.Concurrency, pace?.MaxQueue, pace?.MaxWaitSeconds)
            .ScalarAsync<bool>(ct);
        unit.Append(new CouponTypeSet(name, request.PerUser, pace?.PerSecond, pace?.Concurrency, pace?.MaxQueue, pace?.MaxWaitSeconds));
        var type = new CouponType(name, request.PerUser, pace);
        return created ? TypedResults.Created($"/v1/coupon-types/{name}", type) : TypedResults.Ok(type);
    }
}
