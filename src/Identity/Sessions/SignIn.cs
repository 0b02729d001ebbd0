using Boon.Identity.Accounts;
using Boon.Identity.Keys;
using Boon.Identity.Passwords;
using Boon.Platform.Access.Tokens;

namespace Boon.Identity.Sessions;

/// <summary>
/// Signs a user in and logs <c>identity.user-signed-in.v1</c>, the event that the first 100 vouchers follow from. Session, count and event
/// are one transaction.
/// </summary>
internal static class SignIn
{
    private const int LongestIdentifier = 254;

    /// <summary>The body of POST /v1/sessions.</summary>
    /// <param name="Identifier">A username, an e-mail address or a phone number.</param>
    /// <param name="Password">The password.</param>
    /// <example>{"identifier": "ada", "password": "correct horse battery"}</example>
    internal sealed record Request(
        [Required, Length(1, LongestIdentifier)] string? Identifier, [Required, Length(1, UserRules.LongestPassword)] string? Password);

    private sealed record Signed(long Number, string[] Roles, bool Returned);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/sessions", Handle)
        .WithUnit<IdentityDb>().WithTags("Sessions").WithMetadata(BodyLimit.OfStrangers)
        .WithSummary("Signs in.")
        .WithDescription("401 `invalid-credentials` for a wrong password, and also for an unknown identifier; 429 `too-many-attempts` "
            + "after too many failed sign-ins; 503 `busy` when thousands are waiting.")
        .Produces<SessionView>()
        .Refuses(StatusCodes.Status401Unauthorized, "invalid-credentials")
        .Refuses(StatusCodes.Status429TooManyRequests, "too-many-attempts")
        .Refuses(StatusCodes.Status503ServiceUnavailable, "busy");

    private static async Task<IResult> Handle(
        Request request, Unit<IdentityDb> unit, IdentityDb reads, PasswordHashing hashing, SignInLimits limits, SigningKeys keys,
        TokenOptions options,
        TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Identifier, "identifier", 1, LongestIdentifier);
        UserRules.GivenPassword(validation, request.Password, "password");
        if (!validation.Ok)
            return Problems.Invalid(validation);

        var identifier = request.Identifier!;
        var user = await UserLookup.FindAsync(reads, identifier, ct);
        var counted = SignInLimits.KeysOf(identifier, http.Connection.RemoteIpAddress);
        if (await limits.LockedForAsync(unit.Database, counted, ct) is { } locked)
            return SignInLimits.TooMany(http, locked);
        if (await hashing.VerifyAsync(user?.PasswordHash, request.Password!, ct) is not { } verified)
            return PasswordHashing.Busy(http);
        var rehash = verified == Verified.YesRehash ? await hashing.HashAsync(request.Password!, HashFor.SignIn, ct) : null;

        await unit.BeginAsync(ct);
        if (verified == Verified.No)
        {
            unit.KeepRefusal(); // the count is committed although the answer is an error
            return await limits.FailedAsync(unit, counted, ct) is { } lockedNow ? SignInLimits.TooMany(http, lockedNow) : Invalid();
        }
        if (await limits.LockedForAsync(unit, counted, ct) is { } nowLocked)
            return SignInLimits.TooMany(http, nowLocked);

        var sessionId = OrderedId.New();
        var refreshToken = SessionTokens.NewRefreshToken();
        // Only if the password is still the one that was checked; the row lock makes the numbers 1, 2, 3 under concurrency.
        var signedIn = await unit.Command($"""
            with signed as (
                update identity.users
                set sign_ins = sign_ins + 1, password_hash = coalesce($3, password_hash)
                where id = $1 and status = 'active' and password_hash = $2
                returning id, sign_ins, roles, returned
            ), session as (
                insert into identity.sessions (id, user_id, expires_at)
                select $4, id, now() + $7
                from signed
            ), token as (
                insert into identity.refresh_tokens (hash, session_id, expires_at)
                select $5, $4, now() + interval '{SessionTokens.IdleLimit}'
                from signed
            ), forgiven as (
                delete from identity.sign_in_failures
                where key = $6
            )
            select sign_ins, roles, returned
            from signed
            """,
            user!.Id, user.PasswordHash, rehash, sessionId, SessionTokens.HashOf(refreshToken), counted.Pair, SessionTokens.SessionLimit)
            .ReadFirstAsync(row => new Signed(row.GetInt64(0), row.GetFieldValue<string[]>(1), row.GetBoolean(2)), ct);
        if (signedIn is null)
            return Invalid();
        // As they are now, under the row's lock: a role that was taken during the hash is not in the token.
        user.SetRoles(signedIn.Roles);
        unit.By = Actor.Member(user.Id);
        unit.Append(new UserSignedIn(user.Id, identifier, First: signedIn.Number == 1 && !signedIn.Returned, signedIn.Number));
        return TypedResults.Ok(SessionTokens.Of(user, (sessionId, SessionTokens.SessionLimit), refreshToken, keys, options, time));
    }

    private static ProblemHttpResult Invalid() =>
        Problems.Of(StatusCodes.Status401Unauthorized, "invalid-credentials", "The identifier or the password is wrong.");
}
