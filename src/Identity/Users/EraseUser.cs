using Boon.Identity.Accounts;
using Boon.Identity.Passwords;
using Microsoft.AspNetCore.Mvc;

namespace Boon.Identity.Users;

/// <summary>
/// Erases the caller's account: personal data leaves the table and Identity's log (<see cref="EraseUsers"/>). The id stays, so
/// that what others recorded about it keeps its meaning.
/// </summary>
internal static class EraseUser
{
    /// <summary>The body of DELETE /v1/users/me.</summary>
    /// <param name="CurrentPassword">The account's password.</param>
    /// <example>{"currentPassword": "correct horse battery"}</example>
    internal sealed record Request([Required] string? CurrentPassword);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/v1/users/me", Handle)
        .WithUnit<IdentityDb>().ForMembers().WithTags("Users")
        .WithSummary("Erases the caller's account and personal data, also in the log.")
        .WithDescription("Needs `currentPassword`: 403 `invalid-credentials` when it is wrong.")
        .Produces(StatusCodes.Status204NoContent)
        .Refuses(StatusCodes.Status403Forbidden, "invalid-credentials")
        .Refuses(StatusCodes.Status404NotFound, "not-found")
        .Refuses(StatusCodes.Status409Conflict, "operator-protected", "changed-meanwhile")
        .Refuses(StatusCodes.Status429TooManyRequests, "too-many-attempts")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        [FromBody] Request request, ClaimsPrincipal caller, Unit<IdentityDb> unit, IdentityDb reads, CurrentPassword current,
        ErasedPeople erased, AccessState access, EventTypes types,
        HttpContext http, CancellationToken ct)
    {
        var validation = new Validation();
        CurrentPassword.Require(validation, request.CurrentPassword);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var id = caller.UserId();
        if (await reads.Users.SingleOrDefaultAsync(user => user.Id == id && user.Status == User.Active, ct) is not { } now)
            return Problems.NotFound("user");
        if (now.Username == FirstOperator.Username)
            return Problems.Of(StatusCodes.Status409Conflict, "operator-protected", "The first operator cannot be erased.");
        if (await current.RefuseAsync(now, request.CurrentPassword!, unit, http, ct) is { } refused)
            return refused;

        await unit.BeginAsync(ct);
        // As it was read: its e-mail address and phone number may have to be remembered below.
        var erasures = await unit.Command("""
            update identity.users
            set status = 'erased', username = null, username_key = null, email = null, email_key = null, phone = null,
                full_name = null, birthday = null, password_hash = null
            where id = $1 and status = 'active' and password_hash = $2 and email_key is not distinct from $3 and phone is not distinct
            from $4
            """, id, now.PasswordHash, now.EmailKey, now.Phone)
            .ExecuteAsync(ct);
        if (erasures == 0)
            return Problems.Of(StatusCodes.Status409Conflict, "changed-meanwhile",
                "The account was changed at the same moment; try again.");

        // The account is locked from here on: a sign-in that ran beside this has committed its event, a later one finds no account.
        await EraseUsers.EraseAsync(unit, types, [id], ct);
        // Kept answers of registration hold the account's details. Two statements, each by its own index: one with "or" reads the whole
        // table.
        await unit.Command("delete from identity.idempotency_keys where caller = $1", id.ToString()).ExecuteAsync(ct);
        await unit.Command("delete from identity.idempotency_keys where location = $1", $"/v1/users/{id}").ExecuteAsync(ct);
        await erased.RememberAsync(unit, now, ct);
        await EndedSessions.EndAsync(unit, access, id, "user-erased", ct);
        unit.Append(new UserErased(id));
        return TypedResults.NoContent();
    }
}
