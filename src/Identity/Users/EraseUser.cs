using System.Security.Claims;
using Boon.Identity.Sessions;

namespace Boon.Identity.Users;

/// <summary>
/// Erases the caller's account: personal data leaves the table and Identity's log (the one update that the log knows). The id stays, so that
/// what others recorded about it keeps its meaning.
/// </summary>
internal static class EraseUser
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/users/me", Handle)
        .WithUnit<IdentityDb>().ForMembers().WithTags("Users")
        .WithSummary("Erases the caller's account and personal data, in the log too.")
        .Produces(StatusCodes.Status204NoContent)
        .Refuses(StatusCodes.Status404NotFound, "not-found").Refuses(StatusCodes.Status409Conflict, "operator-protected");

    private static async Task<IResult> Handle(ClaimsPrincipal caller, Unit<IdentityDb> unit, AccessState access, CancellationToken ct)
    {
        var id = caller.UserId();
        await unit.BeginAsync(ct);
        await using (var erase = unit.Command("""
            update identity.users set status = 'erased', username = null, username_key = null, email = null, email_key = null, phone = null,
                full_name = null, birthday = null, password_hash = null
            where id = $1 and status = 'active' and username_key <> $2
            """, id, FirstOperator.Username))
            if (await erase.ExecuteNonQueryAsync(ct) == 0)
                return await unit.Db.Users.AnyAsync(user => user.Id == id && user.Status == User.Active, ct)
                    ? Problems.Of(StatusCodes.Status409Conflict, "operator-protected", "The first operator cannot be erased.")
                    : Problems.NotFound("user");

        // The account is locked from here on: a sign-in that ran beside this has committed its event, a later one finds no account.
        foreach (var (type, members) in EventCatalog.PersonalMembers)
        {
            await using var redact = unit.Command("""
                update identity.event_log set payload = (payload::jsonb - $3::text[])::json where userid = $1 and type = $2
                """, id, type, members);
            await redact.ExecuteNonQueryAsync(ct);
        }
        // Kept answers of registration hold the account's details.
        await using (var answers = unit.Command("delete from identity.idempotency_keys where caller = $1 or location = $2", id.ToString(), $"/v1/users/{id}"))
            await answers.ExecuteNonQueryAsync(ct);
        await EndedSessions.EndAsync(unit, access, id, "user-erased", ct);
        unit.Append(new UserErased(id));
        return TypedResults.NoContent();
    }
}
