using Boon.Identity.Accounts;
using Boon.Identity.Passwords;

namespace Boon.Identity.Users;

/// <summary>Opens an account.</summary>
internal static class RegisterUser
{
    /// <summary>The body of POST /v1/users.</summary>
    /// <param name="Username">1 to 64 characters without spaces and <c>@</c>, no leading <c>+</c>.</param>
    /// <param name="Email">The e-mail address.</param>
    /// <param name="Phone">The phone number in E.164.</param>
    /// <param name="Password">12 to 128 characters, none of the common ones.</param>
    /// <param name="FullName">The person's name.</param>
    /// <param name="Birthday">yyyy-MM-dd, from 1900-01-01 on.</param>
    /// <example>
    /// {"username": "ada", "email": "ada@example.com", "phone": "+31201234567", "password": "correct horse battery",
    /// "fullName": "Ada Lovelace", "birthday": "1990-12-10"}
    /// </example>
    internal sealed record Request(
        [Required, Length(1, UserRules.LongestUsername)] string? Username, [Required, Length(3, UserRules.LongestEmail)] string? Email,
        [Required, RegularExpression(UserRules.PhonePattern)] string? Phone,
        [Required, Length(UserRules.ShortestPassword, UserRules.LongestPassword)] string? Password,
        [Required, Length(1, UserRules.LongestFullName)] string? FullName, DateOnly? Birthday);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/users", Handle)
        .WithUnit<IdentityDb>(idempotent: true, subject: "email")
        .WithMetadata(BodyLimit.OfStrangers)
        .WithTags("Users")
        .WithSummary("Registers a user.")
        .WithDescription("409 `already-registered` names each of username, email and phone that is taken; 400 `validation-failed` names "
            + "each bad field; "
            + "429 `too-many-sign-ups` after too many sign-ups from the address, `too-many-attempts` after it was told too often that "
            + "something is taken.")
        .Produces<UserView>(StatusCodes.Status201Created)
        .Refuses(StatusCodes.Status409Conflict, "already-registered")
        .Refuses(StatusCodes.Status429TooManyRequests, "too-many-sign-ups", "too-many-attempts")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        Request request, Unit<IdentityDb> unit, IdentityDb reads, PasswordHashing hashing, SignUpLimits limits, ErasedPeople erased,
        TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var validation = new Validation();
        UserRules.Username(validation, request.Username);
        UserRules.Email(validation, request.Email);
        UserRules.Phone(validation, request.Phone);
        UserRules.FullName(validation, request.FullName);
        UserRules.Birthday(validation, request.Birthday, time.GetUtcNow());
        UserRules.Password(validation, request.Password, request.Username, request.Email);
        if (!validation.Ok)
            return Problems.Invalid(validation);

        var source = unit.Database;
        if (await limits.RefuseAsync(source, http, ct) is { } refused)
            return refused;
        // Said before the hash is paid for; the constraints decide again below.
        var username = request.Username!;
        if (await TakenIdentifiers.FindAsync(reads, username, request.Email, request.Phone, except: null, ct) is { } taken)
            return await limits.TellTakenAsync(source, http, taken, ct);
        if (await hashing.HashAsync(request.Password!, HashFor.SignUp, ct) is not { } hash)
            return PasswordHashing.Busy(http);

        var user = User.Register(
            OrderedId.New(), username, request.Email!, request.Phone!, request.FullName!, request.Birthday, hash);
        await unit.BeginAsync(ct);
        unit.Db.Add(user);
        if (unit.By == Actor.Anonymous)
            unit.By = Actor.Member(user.Id);
        try
        {
            await unit.SaveAsync(ct);
        }
        catch (DbUpdateException error) when (UserRules.FieldOf(error.ViolatedConstraint()) is { } field)
        {
            var found = await TakenIdentifiers.FindAsync(reads, username, request.Email, request.Phone, except: null, ct)
                ?? TakenIdentifiers.Problem([field]);
            return await limits.TellTakenAsync(source, http, found, ct);
        }
        var returning = await erased.MarkReturningAsync(unit, user, ct);
        unit.Append(new UserRegistered(user.Id, user.Username, user.Email, user.Phone, user.FullName, returning));
        return TypedResults.Created($"/v1/users/{user.Id}", UserView.Of(user));
    }
}

/// <summary>Says which of username, e-mail and phone another account has.</summary>
internal static class TakenIdentifiers
{
    internal static async Task<ProblemHttpResult?> FindAsync(
        IdentityDb reads, string? username, string? email, string? phone, Guid? except, CancellationToken ct)
    {
        var usernameKey = username is null ? null : UserRules.Key(username);
        var emailKey = email is null ? null : UserRules.EmailKey(email);
        var others = await reads.Users
            .Where(user => user.Id != except
                && ((usernameKey != null && user.UsernameKey == usernameKey) || (emailKey != null && user.EmailKey == emailKey)
                || (phone != null && user.Phone == phone)))
            .Select(user => new { user.UsernameKey, user.EmailKey, user.Phone })
            .ToListAsync(ct);
        List<string> fields = [];
        if (usernameKey is not null && others.Exists(other => other.UsernameKey == usernameKey))
            fields.Add("username");
        if (emailKey is not null && others.Exists(other => other.EmailKey == emailKey))
            fields.Add("email");
        if (phone is not null && others.Exists(other => other.Phone == phone))
            fields.Add("phone");
        return fields.Count == 0 ? null : Problem(fields);
    }

    internal static ProblemHttpResult Problem(List<string> fields) => Problems.Of(
        StatusCodes.Status409Conflict, "already-registered", $"Another account has this {string.Join(" and this ", fields)}.",
        fields.ToDictionary(field => field, _ => IsTaken, StringComparer.Ordinal));

    private static readonly string[] IsTaken = ["is already registered"];
}
