using Boon.Identity.Passwords;

namespace Boon.Identity.Users;

/// <summary>Opens an account.</summary>
internal static class RegisterUser
{
    /// <summary>The body of POST /v1/users.</summary>
    internal sealed record Request(string? Username, string? Email, string? Phone, string? Password, string? FullName, DateOnly? Birthday);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/users", Handle)
        .WithUnit<IdentityDb>(idempotent: true)
        .WithTags("Users")
        .WithSummary("Registers a user.")
        .WithDescription("409 `already-registered` names each of username, email and phone that is taken; 400 `validation-failed` names each bad field.")
        .Produces<UserView>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(
        Request request, Unit<IdentityDb> unit, IdentityDb reads, PasswordHashing hashing, TimeProvider time, HttpContext http, CancellationToken ct)
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

        // Said before the hash is paid for; the constraints decide again below.
        var username = request.Username!;
        if (await Taken.FindAsync(reads, username, request.Email, request.Phone, except: null, ct) is { } taken)
            return taken;
        if (await hashing.HashAsync(request.Password!, ct) is not { } hash)
            return PasswordHashing.Busy(http);

        var user = User.Register(Guid.CreateVersion7(), username, request.Email!, request.Phone!, request.FullName!, request.Birthday, hash);
        await unit.BeginAsync(ct);
        unit.Db.Add(user);
        if (unit.By == Actor.Anonymous)
            unit.By = Actor.Member(user.Id);
        unit.Append(new UserRegistered(user.Id, user.Username, user.Email, user.Phone, user.FullName));
        try
        {
            await unit.SaveAsync(ct);
        }
        catch (DbUpdateException error) when (UserRules.FieldOf(error.ViolatedConstraint()) is { } field)
        {
            return await Taken.FindAsync(reads, username, request.Email, request.Phone, except: null, ct) ?? Taken.Problem([field]);
        }
        return TypedResults.Created($"/v1/users/{user.Id}", UserView.Of(user));
    }
}

/// <summary>Says which of username, e-mail and phone another account has.</summary>
internal static class Taken
{
    internal static async Task<ProblemHttpResult?> FindAsync(IdentityDb reads, string? username, string? email, string? phone, Guid? except, CancellationToken ct)
    {
        var usernameKey = username is null ? null : UserRules.Key(username);
        var emailKey = email is null ? null : UserRules.EmailKey(email);
        var others = await reads.Users
            .Where(user => user.Id != except && ((usernameKey != null && user.UsernameKey == usernameKey) || (emailKey != null && user.EmailKey == emailKey) || (phone != null && user.Phone == phone)))
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
