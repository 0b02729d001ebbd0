namespace Boon.Intake.Keys;

/// <summary>Lists API keys, newest first, revoked ones too.</summary>
internal static class ListApiKeys
{
    /// <summary>An API key, without the key.</summary>
    /// <param name="Id">To revoke it by.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Start">How the key begins.</param>
    /// <param name="CreatedBy">The operator who made it.</param>
    /// <param name="CreatedAt">When it was made.</param>
    /// <param name="RevokedAt">When it was revoked.</param>
    /// <example>
    /// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "name": "The shop", "start": "boon_a1b2", "createdBy":
    /// "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "createdAt": "2026-05-01T09:30:00Z"}
    /// </example>
    internal sealed record ApiKeyView(
        Guid Id, string Name, string Start, Guid CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/api-keys", Handle)
        .ForOperators().WithTags("API keys")
        .WithSummary("The API keys, newest first, without the keys themselves.")
        .Produces<Page<ApiKeyView>>();

    private static async Task<IResult> Handle([AsParameters] PageQuery page, IntakeDb db, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        var query = before is { } id ? db.ApiKeys.Where(key => key.Id.CompareTo(id) < 0) : db.ApiKeys;
        var keys = await query.OrderByDescending(key => key.Id).Take(limit + 1)
            .Select(key => new ApiKeyView(key.Id, key.Name, key.Start, key.CreatedBy, key.CreatedAt, key.RevokedAt)).ToListAsync(ct);
        return TypedResults.Ok(PageQuery.Page(keys, limit, view => (Guid?)view.Id));
    }
}
