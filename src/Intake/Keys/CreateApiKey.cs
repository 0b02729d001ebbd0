namespace Boon.Intake.Keys;

/// <summary>Makes an API key. The key is in this answer and nowhere else.</summary>
internal static class CreateApiKey
{
    /// <summary>The body of POST /v1/api-keys.</summary>
    /// <param name="Name">For people, such as the system that gets the key.</param>
    /// <example>{"name": "web shop"}</example>
    internal sealed record Request([Required, Length(1, ApiKey.LongestName)] string? Name);

    /// <summary>A new API key.</summary>
    /// <param name="Id">To revoke it by.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Key">The key itself: shown once, send it as <c>Authorization: Bearer</c>.</param>
    /// <param name="CreatedAt">When it was made.</param>
    /// <example>
    /// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "name": "The shop", "key": "boon_shown-once", "createdAt":
    /// "2026-05-01T09:30:00Z"}
    /// </example>
    internal sealed record NewApiKey(Guid Id, string Name, string Key, DateTimeOffset CreatedAt);

    // No Idempotency-Key, as for sessions: the answer would have to be kept, and the key with it.
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/api-keys", Handle)
        .WithUnit<IntakeDb>().ForOperators().WithTags("API keys")
        .WithSummary("Makes an API key for POST /v1/events. The key is shown once.")
        .Produces<NewApiKey>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(
        Request request, HttpContext http, ClaimsPrincipal caller, Unit<IntakeDb> unit, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Name, "name", 1, ApiKey.LongestName, kind: TextKind.Name);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var (key, kept) = ApiKey.Create(request.Name!, caller.UserId());
        await unit.BeginAsync(ct);
        unit.Db.Add(kept);
        unit.Append(new ApiKeyCreated(kept.Id, kept.Name, kept.CreatedBy));
        await unit.SaveAsync(ct);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/v1/api-keys/{kept.Id}", new NewApiKey(kept.Id, kept.Name, key, kept.CreatedAt));
    }
}
