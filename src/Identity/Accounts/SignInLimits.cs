using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Boon.Identity.Accounts;

/// <summary>What a failed try is counted under.</summary>
/// <param name="Pair">The account from this address.</param>
/// <param name="Account">The account from anywhere.</param>
/// <param name="Address">The address, whatever the account.</param>
internal readonly record struct TryKeys(string Pair, string Account, string Address);

/// <summary>
/// Limits failed sign-ins, in windows of the database's clock, over all processes: few of an account from one address, so that a stranger's
/// guesses lock out the stranger and not the owner; more of an account from anywhere, and of an address. Successful ones are never counted.
/// A right password tried while locked is refused like a wrong one, so guesses made in parallel learn no more than guesses made in turn. An
/// account is what was typed, there or not: a count tells nothing about who exists.
/// </summary>
internal sealed record SignInLimits(int PerAccountAndAddress, int PerAccount, int PerAddress, TimeSpan Window)
{
    /// <summary>
    /// <c>Boon:SignIn:FailuresPerAccountAndAddress</c>, <c>:FailuresPerAccount</c>, <c>:FailuresPerAddress</c>, <c>:Window</c>.
    /// </summary>
    internal static SignInLimits From(IConfiguration configuration) => new(
        Settings.FailuresPerAccountAndAddress.Of(configuration), Settings.FailuresPerAccount.Of(configuration),
        Settings.FailuresPerAddress.Of(configuration),
        Settings.SignInWindow.Of(configuration));

    /// <summary>The keys that a try is counted under.</summary>
    internal static TryKeys KeysOf(string identifier, IPAddress? address)
    {
        var account = AccountKey(identifier);
        var network = ClientAddress.NetworkOf(address);
        return new TryKeys($"pair:{account}|{network}", $"account:{account}", $"address:{network}");
    }

    /// <summary>What stands for an account in the keys. A hash, because it may be an e-mail address.</summary>
    internal static string AccountKey(string identifier) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(UserRules.EmailKey(UserRules.Key(identifier)))));

    /// <summary>How long until the account or the address may try again; null when it may now.</summary>
    internal Task<TimeSpan?> LockedForAsync(ISqlSource source, TryKeys keys, CancellationToken ct) =>
        Attempts.LockedForAsync(source, [(keys.Pair, PerAccountAndAddress), (keys.Account, PerAccount), (keys.Address, PerAddress)], ct);

    /// <summary>429 with Retry-After.</summary>
    internal static ProblemHttpResult TooMany(HttpContext http, TimeSpan retryAfter) =>
        Problems.RetryLater(http, StatusCodes.Status429TooManyRequests, "too-many-attempts",
            "There were too many failed sign-ins; try again later.", retryAfter);

    /// <summary>Counts a failed try. Answers how long the caller is locked out if there had been too many before this one.</summary>
    internal async Task<TimeSpan?> FailedAsync(Unit<IdentityDb> unit, TryKeys keys, CancellationToken ct)
    {
        LogMetrics.SignInFailed();
        TimeSpan? locked = null;
        foreach (var (key, count, left) in await Attempts.CountAsync(
            unit, [keys.Pair, keys.Account, keys.Address], Window, int.MaxValue, ct))
        {
            var most = key == keys.Pair ? PerAccountAndAddress : key == keys.Account ? PerAccount : PerAddress;
            if (count > most && !(locked > left))
                locked = left;
        }
        return locked;
    }
}
