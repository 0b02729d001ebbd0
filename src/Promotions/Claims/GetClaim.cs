namespace Boon.Promotions.Claims;

/// <summary>Shows one's claim; with <c>Prefer: wait=10</c>, as soon as it is no longer queued, or after that many seconds.</summary>
internal static class GetClaim
{
    private static readonly string[] Decided = [CouponClaimed.Name, ClaimRefused.Name];

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/claims/{id}", Handle)
        .ForMembers().WithTags("Coupons")
        .WithSummary("A claim of the caller: `queued` with its place, `granted` with the coupon, or `refused` with `timed-out` or "
            + "`sold-out`.")
        .WithDescription("`Prefer: wait=10` waits up to 10 seconds (at most 30) until a queued claim is decided. The answer to a queued "
            + "claim has Retry-After.")
        .Produces<ClaimView>()
        .DescribesWait("as long as the claim is queued");

    private static async Task<IResult> Handle(
        string id, HttpContext http, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var claimId))
            return Problems.NotFound("claim");
        var claim = await LongPoll.WaitAsync<ClaimView>(
            http, new(PromotionsModule.ModuleName, claimId, Decided, FindOwnAsync, found => found.State == "queued"), ct);
        if (claim is null)
            return Problems.NotFound("claim");
        RetryAfter(http, claim);
        return TypedResults.Ok(claim);

        async Task<ClaimView?> FindOwnAsync(CancellationToken stop) =>
            await FindAsync(module, claimId, stop) is { } found && found.UserId == caller.UserId() ? found : null;
    }

    /// <summary>Whoever asks when told to asks after 1, 3, 6 and 10 seconds: 1, 2, 3 and 4 apart.</summary>
    internal static void RetryAfter(HttpContext http, ClaimView claim)
    {
        if (claim.State == "queued")
            http.Response.Headers.RetryAfter = claim.Waited.TotalSeconds switch { < 1 => "1", < 3 => "2", < 6 => "3", _ => "4" };
    }

    private static Task<ClaimView?> FindAsync(ModuleDatabase<PromotionsDb> module, Guid id, CancellationToken ct) =>
        module.Command($"""
            select {ClaimView.Columns}
            from {ClaimView.Tables}
            where k.id = $1
            """, id)
            .ReadFirstAsync(row => ClaimView.Read(row, 0), ct);
}
