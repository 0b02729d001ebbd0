using System.Globalization;

namespace Boon.Promotions.Coupons;

/// <summary>Shows one's claim; with <c>Prefer: wait=10</c>, as soon as it is no longer queued, or after that many seconds.</summary>
internal static class GetClaim
{
    /// <summary>The longest wait that is granted to one request.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/claims/{id}", Handle)
        .ForMembers().WithTags("Coupons")
        .WithSummary("A claim of the caller: `queued` with its place, `granted` with the coupon, or `refused` with `timed-out` or `sold-out`.")
        .WithDescription("`Prefer: wait=10` waits up to so many seconds (at most 30) for a queued claim to be decided. The answer to a queued claim has Retry-After.")
        .Produces<ClaimView>();

    private static async Task<IResult> Handle(string id, HttpContext http, ClaimsPrincipal caller, ModuleDatabase<PromotionsDb> module, LogSignals signals, TimeProvider time, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var claimId))
            return Problems.NotFound("claim");
        var wait = Wait(http.Request.Headers["Prefer"]);
        var began = time.GetTimestamp();
        // Listening before the first look, so that no decision falls between the two; a decision is an event of this module's log.
        using var wake = new WakeSignal();
        using var decided = wait > TimeSpan.Zero ? signals.OnSequenced(PromotionsModule.ModuleName, wake) : null;
        while (true)
        {
            if (await FindAsync(module, claimId, ct) is not { } claim || claim.UserId != caller.UserId())
                return Problems.NotFound("claim");
            var left = wait - time.GetElapsedTime(began);
            if (claim.State == "queued" && left > TimeSpan.Zero)
            {
                await wake.WaitAsync(left < WakeSignal.Poll ? left : WakeSignal.Poll, ct);
                continue;
            }
            if (wait > TimeSpan.Zero)
                http.Response.Headers["Preference-Applied"] = $"wait={wait.TotalSeconds:0}";
            RetryAfter(http, claim);
            return TypedResults.Ok(claim);
        }
    }

    /// <summary>Whoever asks when told to asks after 1, 3, 6 and 10 seconds: 1, 2, 3 and 4 apart.</summary>
    internal static void RetryAfter(HttpContext http, ClaimView claim)
    {
        if (claim.State == "queued")
            http.Response.Headers.RetryAfter = claim.Waited.TotalSeconds switch { < 1 => "1", < 3 => "2", < 6 => "3", _ => "4" };
    }

    /// <summary>The <c>wait</c> of a Prefer header (RFC 7240), in whole seconds; anything else in it is not ours.</summary>
    private static TimeSpan Wait(Microsoft.Extensions.Primitives.StringValues prefer)
    {
        foreach (var preference in prefer.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)))
            if (preference.StartsWith("wait=", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(preference.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return TimeSpan.FromSeconds(Math.Min(seconds, LongestWait.TotalSeconds));
        return TimeSpan.Zero;
    }

    private static async Task<ClaimView?> FindAsync(ModuleDatabase<PromotionsDb> module, Guid id, CancellationToken ct)
    {
        await using var command = module.Database.Source.CreateCommand($"select {ClaimView.Columns} from {ClaimView.Tables} where k.id = $1");
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? ClaimView.Read(reader, 0) : null;
    }
}
