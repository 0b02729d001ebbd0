using System.Text.Json.Serialization;

namespace Boon.Promotions.CouponTypes;

/// <summary>Lists the coupon types with their counters, by name.</summary>
internal static class ListCouponTypes
{
    /// <summary>A type and what a count of its rows gives at this moment.</summary>
    /// <param name="Name">The type; null for coupons without one.</param>
    /// <param name="PerUser">1, or null for no limit.</param>
    /// <param name="Pace">Null: claims are granted at once.</param>
    /// <param name="Uploaded">Coupons ever uploaded.</param>
    /// <param name="Available">Uploaded, neither claimed nor purged.</param>
    /// <param name="Claimed">Coupons that have a holder, redeemed ones included.</param>
    /// <param name="Redeemed">Standing uses.</param>
    /// <param name="Purged">Coupons that expired before anybody claimed them and were taken out.</param>
    /// <example>
    /// {"name": "SUMMER", "perUser": 1, "pace": null, "uploaded": 5000, "available": 4200, "claimed": 750, "redeemed": 310, "purged":
    /// 50}
    /// </example>
    internal sealed record CouponTypeCounts(
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Name,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? PerUser,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Pace? Pace,
        long Uploaded, long Available, long Claimed, long Redeemed, long Purged);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/coupon-types", Handle)
        .ForOperators().WithTags("Coupons")
        .WithSummary("The coupon types by name, with their rules and counters, as they are at this moment.")
        .Produces<Page<CouponTypeCounts>>();

    private static async Task<IResult> Handle([AsParameters] PageQuery page, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out string? after, out var problem))
            return problem!;
        var types = await module.Command($"""
            select t.name, t.per_user, t.per_second, t.concurrency, t.max_queue, t.max_wait_seconds, c.uploaded, c.claimed, c.redeemed,
                c.purged
            from promotions.coupon_types t
            cross join lateral (
                select coalesce(sum(x.uploaded), 0)::bigint as uploaded, coalesce(sum(x.claimed), 0)::bigint as claimed,
                    coalesce(sum(x.redeemed), 0)::bigint as redeemed, coalesce(sum(x.purged), 0)::bigint as purged
                from promotions.coupon_counts x
                where x.type = t.name
            ) c
            {(after is null ? "" : "where t.name > $2")}
            order by t.name
            limit $1
            """, limit + 1, after)
            .ReadAllAsync(Read, ct);
        return TypedResults.Ok(PageQuery.Page(types, limit, view => view.Name ?? CouponType.Untyped));
    }

    private static CouponTypeCounts Read(NpgsqlDataReader row)
    {
        var pace = row.IsDBNull(2) ? null : new Pace(row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5));
        var (uploaded, claimed, redeemed, purged) = (row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9));
        return new CouponTypeCounts(
            CouponType.NameOf(row.GetString(0)), row.GetNullable<int>(1), pace, uploaded, uploaded - claimed - purged, claimed, redeemed,
            purged);
    }
}
