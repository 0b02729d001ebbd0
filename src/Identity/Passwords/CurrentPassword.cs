using Boon.Identity.Accounts;

namespace Boon.Identity.Passwords;

/// <summary>
/// Asks for the account's password where a token is not enough: whoever changes how to reach the account, or ends it, must know it. Wrong
/// ones are counted like failed sign-ins, so a stolen token gives no unlimited guesses.
/// </summary>
internal sealed class CurrentPassword(PasswordHashing hashing, SignInLimits limits)
{
    /// <summary>Notes that it is missing, or longer than any.</summary>
    internal static void Require(Validation validation, string? password) =>
        UserRules.GivenPassword(validation, password, "currentPassword");

    /// <summary>Null if the password is the account's; else the refusal.</summary>
    internal async Task<IResult?> RefuseAsync(User user, string password, Unit<IdentityDb> unit, HttpContext http, CancellationToken ct)
    {
        var counted = SignInLimits.KeysOf(user.Username!, http.Connection.RemoteIpAddress);
        if (await limits.LockedForAsync(unit.Database, counted, ct) is { } locked)
            return SignInLimits.TooMany(http, locked);
        if (await hashing.VerifyAsync(user.PasswordHash, password, ct) is not { } verified)
            return PasswordHashing.Busy(http);
        if (verified != Verified.No)
            return null;
        await unit.BeginAsync(ct);
        unit.KeepRefusal();
        return await limits.FailedAsync(unit, counted, ct) is { } lockedNow ? SignInLimits.TooMany(http, lockedNow)
            : Problems.Of(StatusCodes.Status403Forbidden, "invalid-credentials", "The current password is wrong.");
    }
}
