using System.Text.Json.Serialization;

namespace Boon.Promotions.Coupons;

/// <summary>Shows every coupon type with its counters.</summary>
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
    internal sealed record View(
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Name,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? PerUser,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Pace? Pace,
        long Uploaded, long Available, long Claimed, long Redeemed, long Purged);

    internal sealed record List(IReadOnlyList<View> Data);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/coupon-types", Handle)
        .ForOperators().WithTags("Coupons")
        .WithSummary("Every coupon type with its rules and counters, as they are at this moment.")
        .Produces<List>();

    private static async Task<IResult> Handle(ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        await using var command = module.Database.Source.CreateCommand("""
            select t.name, t.per_user, t.per_second, t.concurrency, t.max_queue, t.max_wait_seconds,
                coalesce(c.uploaded, 0), coalesce(c.claimed, 0), coalesce(c.redeemed, 0), coalesce(c.purged, 0)
            from promotions.coupon_types t left join (
                select type, sum(uploaded)::bigint as uploaded, sum(claimed)::bigint as claimed, sum(redeemed)::bigint as redeemed, sum(purged)::bigint as purged
                from promotions.coupon_counts group by type offset 0
            ) c on c.type = t.name
            order by t.name
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var types = new List<View>();
        while (await reader.ReadAsync(ct))
        {
            var pace = reader.IsDBNull(2) ? null : new Pace(reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4), reader.GetInt32(5));
            var (uploaded, claimed, redeemed, purged) = (reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(9));
            types.Add(new View(reader.GetString(0) is { Length: > 0 } name ? name : null, reader.IsDBNull(1) ? null : reader.GetInt32(1), pace,
                uploaded, uploaded - claimed - purged, claimed, redeemed, purged));
        }
        return TypedResults.Ok(new List(types));
    }
}
