using Boon.Identity.Accounts;

namespace Boon.Identity.Sessions;

/// <summary>Ends the caller's session: its tokens are refused from now on, in every process.</summary>
internal static class SignOut
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/sessions/current", Handle)
        .WithUnit<IdentityDb>().ForMembers().WithTags("Sessions")
        .WithSummary("Signs out: the session's access and refresh tokens are refused from now on.")
        .Produces(StatusCodes.Status204NoContent);

    private static async Task<NoContent> Handle(ClaimsPrincipal caller, Unit<IdentityDb> unit, AccessState access, CancellationToken ct)
    {
        await unit.BeginAsync(ct);
        await EndedSessions.EndAsync(unit, access, caller.UserId(), "signed-out", ct, only: caller.SessionId());
        return TypedResults.NoContent();
    }
}
