using System.Security.Claims;
using Boon.Identity.Passwords;
using Boon.Identity.Sessions;

namespace Boon.Identity.Users;

/// <summary>Changes the caller's own account.</summary>
internal static class ChangeUser
{
    /// <summary>The body of PATCH /v1/users/me: members that are absent or null stay as they are.</summary>
    /// <param name="Username">1 to 64 characters without spaces and <c>@</c>.</param>
    /// <param name="Email">The e-mail address.</param>
    /// <param name="Phone">The phone number in E.164.</param>
    /// <param name="FullName">The person's name.</param>
    /// <param name="Birthday">yyyy-MM-dd, from 1900-01-01 on.</param>
    /// <param name="Password">The new password; needs the current one.</param>
    /// <param name="CurrentPassword">The current password.</param>
    /// <example>{"fullName": "Ada King", "birthday": "1990-12-10"}</example>
    internal sealed record Request(
        [Length(1, UserRules.LongestUsername)] string? Username, [Length(3, UserRules.LongestEmail)] string? Email, [RegularExpression(UserRules.PhonePattern)] string? Phone,
        [Length(1, UserRules.LongestFullName)] string? FullName, DateOnly? Birthday,
        [Length(UserRules.ShortestPassword, UserRules.LongestPassword)] string? Password, string? CurrentPassword);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPatch("/v1/users/me", Handle)
        .WithUnit<IdentityDb>().ForMembers().WithTags("Users")
        .WithSummary("Changes the caller's account.")
        .WithDescription("Absent or null members stay. `password` needs `currentPassword` (403 `invalid-credentials` otherwise) and ends the caller's other sessions.")
        .Produces<UserView>()
        .Refuses(StatusCodes.Status403Forbidden, "invalid-credentials")
        .Refuses(StatusCodes.Status404NotFound, "not-found")
        .Refuses(StatusCodes.Status409Conflict, "already-registered", "operator-protected", "changed-meanwhile")
        .Refuses(StatusCodes.Status429TooManyRequests, "too-many-attempts")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        Request request, ClaimsPrincipal caller, Unit<IdentityDb> unit, IdentityDb reads, PasswordHashing hashing, SignInLimits limits, AccessState access,
        TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var id = caller.UserId();
        var now = await reads.Users.SingleOrDefaultAsync(user => user.Id == id && user.Status == User.Active, ct);
        if (now is null)
            return Problems.NotFound("user");
        var validation = new Validation();
        if (request.Username is not null)
            UserRules.Username(validation, request.Username);
        if (request.Email is not null)
            UserRules.Email(validation, request.Email);
        if (request.Phone is not null)
            UserRules.Phone(validation, request.Phone);
        if (request.FullName is not null)
            UserRules.FullName(validation, request.FullName);
        UserRules.Birthday(validation, request.Birthday, time.GetUtcNow());
        if (request.Password is not null)
        {
            UserRules.Password(validation, request.Password, request.Username ?? now.Username, request.Email ?? now.Email);
            validation.Require(request.CurrentPassword, "currentPassword");
        }
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (now.Username == FirstOperator.Username && request.Username is not null && request.Username != now.Username)
            return Problems.Of(StatusCodes.Status409Conflict, "operator-protected", "The first operator keeps its username.");

        string? hash = null;
        if (request.Password is not null)
        {
            var counted = SignInLimits.KeysOf(now, now.Username!, http.Connection.RemoteIpAddress);
            await using (var look = unit.Database.Source.CreateCommand())
                if (await limits.LockedForAsync(look, counted, ct) is { } locked)
                    return SignInLimits.TooMany(http, locked);
            if (await hashing.VerifyAsync(now.PasswordHash, request.CurrentPassword!, ct) is not { } verified)
                return PasswordHashing.Busy(http);
            if (verified == Verified.No)
            {
                // Counted like a failed sign-in: a stolen token gives no unlimited guesses.
                await unit.BeginAsync(ct);
                unit.KeepRefusal();
                return await limits.FailedAsync(unit, counted, ct) is { } lockedNow ? SignInLimits.TooMany(http, lockedNow)
                    : Problems.Of(StatusCodes.Status403Forbidden, "invalid-credentials", "The current password is another one.");
            }
            hash = await hashing.HashAsync(request.Password, ct);
            if (hash is null)
                return PasswordHashing.Busy(http);
        }

        await unit.BeginAsync(ct);
        // Locked first, so that two changes of one account follow each other.
        var user = await unit.Db.Users.FromSql($"select * from identity.users where id = {id} and status = 'active' for update").AsTracking().SingleOrDefaultAsync(ct);
        if (user is null || (hash is not null && user.PasswordHash != now.PasswordHash))
            return Problems.Of(StatusCodes.Status409Conflict, "changed-meanwhile", "The account was changed at the same moment; try again.");
        var username = request.Username;
        if (username is not null)
            user.Rename(username);
        if (request.Email is not null)
            user.ChangeEmail(request.Email);
        if (request.Phone is not null)
            user.ChangePhone(request.Phone);
        if (request.FullName is not null)
            user.ChangeFullName(request.FullName);
        if (request.Birthday is { } birthday)
            user.ChangeBirthday(birthday);
        if (hash is not null)
        {
            user.ChangePassword(hash);
            await EndedSessions.EndAsync(unit, access, id, "password-changed", ct, except: caller.SessionId());
        }
        if (request != new Request(null, null, null, null, null, null, null))
            unit.Append(new UserChanged(id, username, request.Email, request.Phone, request.FullName));
        try
        {
            await unit.SaveAsync(ct);
        }
        catch (DbUpdateException error) when (UserRules.FieldOf(error.ViolatedConstraint()) is { } field)
        {
            return await Taken.FindAsync(reads, username, request.Email, request.Phone, except: id, ct) ?? Taken.Problem([field]);
        }
        return TypedResults.Ok(UserView.Of(user));
    }
}
