using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Boon.Identity.Users;
using Microsoft.Extensions.Configuration;

namespace Boon.Identity.Sessions;

/// <summary>
/// Limits failed sign-ins, by account and by address, in windows of the database's clock, over all processes. Successful ones are never
/// counted. A right password tried while the account is locked is refused like a wrong one, so guesses made in parallel learn no more than
/// guesses made in turn.
/// </summary>
internal sealed record SignInLimits(int PerAccount, int PerAddress, TimeSpan Window)
{
    /// <summary><c>Boon:SignIn:FailuresPerAccount</c> (10), <c>:FailuresPerAddress</c> (200), <c>:Window</c> (00:15:00).</summary>
    internal static SignInLimits From(IConfiguration configuration) => new(
        Settings.FailuresPerAccount.Of(configuration), Settings.FailuresPerAddress.Of(configuration), Settings.SignInWindow.Of(configuration));

    /// <summary>The keys that a try is counted under.</summary>
    internal static (string Account, string Address) KeysOf(User? user, string identifier, IPAddress? address) => (
        user is not null ? $"account:{user.Id}" : $"account:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(UserRules.EmailKey(identifier))))}",
        $"address:{Network(address ?? IPAddress.None)}");

    /// <summary>How long until the account or the address may try again; null when it may now.</summary>
    internal async Task<TimeSpan?> LockedForAsync(NpgsqlCommand command, (string Account, string Address) keys, CancellationToken ct)
    {
        command.CommandText = """
            select max(window_ends - now()) from identity.sign_in_failures
            where window_ends > now() and ((key = $1 and failures >= $3) or (key = $2 and failures >= $4))
            """;
        foreach (var value in (object[])[keys.Account, keys.Address, PerAccount, PerAddress])
            command.Parameters.Add(new() { Value = value });
        return await command.ExecuteScalarAsync(ct) as TimeSpan?;
    }

    /// <summary>429 with Retry-After.</summary>
    internal static ProblemHttpResult TooMany(HttpContext http, TimeSpan retryAfter) =>
        Problems.RetryLater(http, StatusCodes.Status429TooManyRequests, "too-many-attempts", "Too many failed sign-ins; try again later.", retryAfter);

    /// <summary>Counts a failed try. Answers how long the caller is locked out if there had been too many before this one.</summary>
    internal async Task<TimeSpan?> FailedAsync(Unit<IdentityDb> unit, (string Account, string Address) keys, CancellationToken ct)
    {
        // One order for all, so that two failures never wait for each other.
        await using var command = unit.Command("""
            insert into identity.sign_in_failures as f (key, failures, window_ends)
            select key, 1, now() + $3 from unnest(array[$1, $2]) key order by key
            on conflict (key) do update set
                failures = case when f.window_ends > now() then f.failures + 1 else 1 end,
                window_ends = case when f.window_ends > now() then f.window_ends else now() + $3 end
            returning key, failures, window_ends - now()
            """, keys.Account, keys.Address, Window);
        await using var reader = await command.ExecuteReaderAsync(ct);
        TimeSpan? locked = null;
        while (await reader.ReadAsync(ct))
            if (reader.GetInt32(1) > (reader.GetString(0) == keys.Account ? PerAccount : PerAddress))
                locked = reader.GetFieldValue<TimeSpan>(2);
        return locked;
    }

    private static string Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        // One customer has a whole /64.
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
