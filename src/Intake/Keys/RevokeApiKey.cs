namespace Boon.Intake.Keys;

/// <summary>Revokes an API key: every process refuses it from the commit on, for each request asks the database.</summary>
internal static class RevokeApiKey
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/api-keys/{id}", Handle)
        .WithUnit<IntakeDb>().ForOperators().WithTags("API keys")
        .WithSummary("Revokes an API key at once and for good. Revoking it again gives the same answer and changes nothing.")
        .Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> Handle(string id, ClaimsPrincipal caller, Unit<IntakeDb> unit, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var keyId))
            return Problems.NotFound("API key");
        await unit.BeginAsync(ct);
        if (await unit.Command("update intake.api_keys set revoked_at = now() where id = $1 and revoked_at is null", keyId)
            .ExecuteAsync(ct) == 1)
            unit.Append(new ApiKeyRevoked(keyId, caller.UserId()));
        else if (!await unit.Db.ApiKeys.AnyAsync(key => key.Id == keyId, ct))
            return Problems.NotFound("API key");
        return TypedResults.NoContent();
    }
}
