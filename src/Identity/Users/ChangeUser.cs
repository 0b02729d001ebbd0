using Boon.Identity.Accounts;
using Boon.Identity.Passwords;

namespace Boon.Identity.Users;

/// <summary>Changes the caller's own account.</summary>
internal static class ChangeUser
{
    /// <summary>The body of PATCH /v1/users/me: members that are absent stay as they are.</summary>
    /// <param name="Username">1 to 64 characters without spaces and <c>@</c>.</param>
    /// <param name="Email">The e-mail address; another one needs the current password.</param>
    /// <param name="Phone">The phone number in E.164; another one needs the current password.</param>
    /// <param name="FullName">The person's name.</param>
    /// <param name="Birthday">yyyy-MM-dd, from 1900-01-01 on.</param>
    /// <param name="Password">The new password; needs the current one.</param>
    /// <param name="CurrentPassword">The current password.</param>
    /// <example>{"fullName": "Ada King", "birthday": "1990-12-10"}</example>
    internal sealed record Request(
        [Length(1, UserRules.LongestUsername)] string? Username, [Length(3, UserRules.LongestEmail)] string? Email,
        [RegularExpression(UserRules.PhonePattern)] string? Phone,
        [Length(1, UserRules.LongestFullName)] string? FullName, [Clearable] DateOnly? Birthday,
        [Length(UserRules.ShortestPassword, UserRules.LongestPassword)] string? Password, string? CurrentPassword);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPatch("/v1/users/me", Handle)
        .WithUnit<IdentityDb>().ForMembers().WithTags("Users")
        .WithSummary("Changes the caller's account.")
        .WithDescription("Members that are absent stay as they are, and a `birthday` that is null is cleared. A change of `email`, `phone` "
            + "or `password` needs `currentPassword` (403 `invalid-credentials` when it is wrong); a new password ends the caller's other "
            + "sessions.")
        .Produces<UserView>()
        .Refuses(StatusCodes.Status403Forbidden, "invalid-credentials")
        .Refuses(StatusCodes.Status404NotFound, "not-found")
        .Refuses(StatusCodes.Status409Conflict, "already-registered", "operator-protected", "changed-meanwhile")
        .Refuses(StatusCodes.Status429TooManyRequests, "too-many-attempts")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        Patch<Request> patch, ClaimsPrincipal caller, Unit<IdentityDb> unit, IdentityDb reads, PasswordHashing hashing,
        CurrentPassword current, SignUpLimits limits,
        AccessState access, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var request = patch.Value;
        var id = caller.UserId();
        var now = await reads.Users.SingleOrDefaultAsync(user => user.Id == id && user.Status == User.Active, ct);
        if (now is null)
            return Problems.NotFound("user");
        // A token alone must not take the account over: whoever has the e-mail address or the phone may have the account.
        var sensitive = IsSensitive(request, now);
        var validation = Check(patch, now, sensitive, time.GetUtcNow());
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (now.Username == FirstOperator.Username && request.Username is not null && request.Username != now.Username)
            return Problems.Of(StatusCodes.Status409Conflict, "operator-protected", "The first operator keeps its username.");

        var source = unit.Database;
        if ((request.Username ?? request.Email ?? request.Phone) is not null && await limits.RefuseAskersAsync(
            source, http, ct) is { } asker)
            return asker;
        if (sensitive && await current.RefuseAsync(now, request.CurrentPassword!, unit, http, ct) is { } refused)
            return refused;
        string? hash = null;
        if (request.Password is not null && (hash = await hashing.HashAsync(request.Password, HashFor.SignIn, ct)) is null)
            return PasswordHashing.Busy(http);

        await unit.BeginAsync(ct);
        // Locked first, so that two changes of one account follow each other.
        var user = await unit.Db.Users.FromSql($"select * from identity.users where id = {id} and status = 'active' for update")
            .AsTracking().SingleOrDefaultAsync(ct);
        if (user is null || (sensitive ? user.PasswordHash != now.PasswordHash : IsSensitive(request, user)))
            return Problems.Of(StatusCodes.Status409Conflict, "changed-meanwhile",
                "The account was changed at the same moment; try again.");
        Apply(patch, user);
        if (hash is not null)
        {
            user.ChangePassword(hash);
            await EndedSessions.EndAsync(unit, access, id, "password-changed", ct, except: caller.SessionId());
        }
        if (request != new Request(null, null, null, null, null, null, null) || patch.Clears("birthday"))
            unit.Append(new UserChanged(id, request.Username, request.Email, request.Phone, request.FullName));
        try
        {
            await unit.SaveAsync(ct);
        }
        catch (DbUpdateException error) when (UserRules.FieldOf(error.ViolatedConstraint()) is { } field)
        {
            var found = await TakenIdentifiers.FindAsync(reads, request.Username, request.Email, request.Phone, except: id, ct)
                ?? TakenIdentifiers.Problem([field]);
            return await limits.TellTakenAsync(source, http, found, ct);
        }
        return TypedResults.Ok(UserView.Of(user));
    }

    private static Validation Check(Patch<Request> patch, User now, bool sensitive, DateTimeOffset at)
    {
        var request = patch.Value;
        var validation = new Validation();
        patch.Check(validation);
        if (request.Username is not null)
            UserRules.Username(validation, request.Username);
        if (request.Email is not null)
            UserRules.Email(validation, request.Email);
        if (request.Phone is not null)
            UserRules.Phone(validation, request.Phone);
        if (request.FullName is not null)
            UserRules.FullName(validation, request.FullName);
        UserRules.Birthday(validation, request.Birthday, at);
        if (request.Password is not null)
            UserRules.Password(validation, request.Password, request.Username ?? now.Username, request.Email ?? now.Email);
        if (sensitive)
            CurrentPassword.Require(validation, request.CurrentPassword);
        return validation;
    }

    /// <summary>Changes what the request names, but for the password.</summary>
    private static void Apply(Patch<Request> patch, User user)
    {
        var request = patch.Value;
        if (request.Username is not null)
            user.Rename(request.Username);
        if (request.Email is not null)
            user.ChangeEmail(request.Email);
        if (request.Phone is not null)
            user.ChangePhone(request.Phone);
        if (request.FullName is not null)
            user.ChangeFullName(request.FullName);
        if (request.Birthday is not null || patch.Clears("birthday"))
            user.ChangeBirthday(request.Birthday);
    }

    private static bool IsSensitive(Request request, User user) =>
        request.Password is not null
        || (request.Email is not null && request.Email != user.Email)
        || (request.Phone is not null && request.Phone != user.Phone);
}
