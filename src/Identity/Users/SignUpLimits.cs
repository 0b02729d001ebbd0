using Boon.Identity.Accounts;
using Microsoft.Extensions.Configuration;

namespace Boon.Identity.Users;

/// <summary>
/// Limits sign-ups by address, before their hash is paid for, and how often an address is told that a username, an e-mail address or a
/// phone number is taken: whoever asks for many of them wants to know who has an account.
/// </summary>
internal sealed record SignUpLimits(int PerAddress, TimeSpan Window, int TakenPerAddress, TimeSpan TakenWindow)
{
    /// <summary>
    /// <c>Boon:SignUp:PerAddress</c>, <c>:Window</c>, <c>:TakenPerAddress</c>; the window of the last is <c>Boon:SignIn:Window</c>.
    /// </summary>
    internal static SignUpLimits From(IConfiguration configuration) => new(
        Settings.SignUpsPerAddress.Of(configuration), Settings.SignUpWindow.Of(configuration),
        Settings.TakenPerAddress.Of(configuration), Settings.SignInWindow.Of(configuration));

    /// <summary>Counts a sign-up. Answers 429 if the address has had its share, or has asked too often for what is taken.</summary>
    internal async Task<ProblemHttpResult?> RefuseAsync(ISqlSource source, HttpContext http, CancellationToken ct) =>
        await RefuseAskersAsync(source, http, ct) is { } refused ? refused
            : await Attempts.TryCountAsync(source, $"sign-up:{Network(http)}", PerAddress, Window, ct) is { } wait
                ? Problems.RetryLater(
                    http, StatusCodes.Status429TooManyRequests, "too-many-sign-ups",
                    "There were too many sign-ups from this address; try again later.", wait)
            : null;

    /// <summary>
    /// Answers 429 to an address that has been told too often that something is taken; whether this one is taken makes no difference.
    /// </summary>
    internal async Task<ProblemHttpResult?> RefuseAskersAsync(ISqlSource source, HttpContext http, CancellationToken ct) =>
        await Attempts.LockedForAsync(source, [(TakenKey(http), TakenPerAddress)], ct) is { } wait
            ? SignInLimits.TooMany(http, wait) : null;

    /// <summary>Counts an answer that tells that something is taken, and gives it, or 429 in its place.</summary>
    internal async Task<ProblemHttpResult> TellTakenAsync(
        ISqlSource source, HttpContext http, ProblemHttpResult taken, CancellationToken ct) =>
        await Attempts.TryCountAsync(source, TakenKey(http), TakenPerAddress, TakenWindow, ct) is { } wait
            ? SignInLimits.TooMany(http, wait) : taken;

    private static string TakenKey(HttpContext http) => $"taken:{Network(http)}";

    private static string Network(HttpContext http) => ClientAddress.NetworkOf(http.Connection.RemoteIpAddress);
}
