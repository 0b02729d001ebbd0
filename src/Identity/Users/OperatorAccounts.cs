using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using Boon.Identity.Accounts;
using Boon.Identity.Passwords;

namespace Boon.Identity.Users;

/// <summary>What whoever has the database can do for an operator who cannot sign in: <c>boon operators</c>.</summary>
internal sealed class OperatorAccounts(IServiceScopeFactory scopes, PasswordHashing hashing, AccessState access)
{
    /// <summary>Bytes of a new password, as random as the first operator's.</summary>
    private const int PasswordBytes = 18;

    /// <summary>
    /// Forgets the failed tries that an account is locked by, from wherever they came; answers how many counts there were.
    /// </summary>
    /// <exception cref="SetupException">There is no such account.</exception>
    internal async Task<int> UnlockAsync(string name, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var user = await FindAsync(scope, name, ct);
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(ct);
        var forgotten = await ForgetAsync(unit, user, ct);
        await unit.CommitAsync(ct);
        return forgotten;
    }

    /// <summary>
    /// Forgets what is counted under an address, or under the /64 of IPv6 that it is in: failed sign-ins of whatever account, sign-ups, and
    /// what it was told.
    /// </summary>
    internal async Task<int> UnlockAsync(IPAddress address, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(ct);
        var forgotten = await unit.Command("""
            delete from identity.sign_in_failures
            where key = any (array['address:' || $1, 'sign-up:' || $1, 'taken:' || $1])
                or (key like 'pair:%' and split_part(key, '|', 2) = $1)
            """, ClientAddress.NetworkOf(address))
            .ExecuteAsync(ct);
        await unit.CommitAsync(ct);
        return forgotten;
    }

    /// <summary>Gives an operator a new password, which it answers, and ends all of the account's sessions.</summary>
    /// <exception cref="SetupException">There is no such account, or it is no operator's.</exception>
    internal async Task<string> ResetPasswordAsync(string name, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var user = await FindAsync(scope, name, ct);
        if (!user.Roles.Contains(Role.Operator))
            throw new SetupException($"'{name}' is not an operator. Members change their passwords themselves.");
        var password = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(PasswordBytes));
        var hash = await hashing.HashAsync(password, HashFor.SignIn, ct);
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        unit.By = Actor.CommandLine;
        await unit.BeginAsync(ct);
        var change = unit.Command("update identity.users set password_hash = $2 where id = $1 and status = 'active'", user.Id, hash);
        if (await change.ExecuteAsync(ct) == 0)
            throw new SetupException($"The account '{name}' was erased just now.");
        await EndedSessions.EndAsync(unit, access, user.Id, "password-changed", ct);
        unit.Append(new UserChanged(user.Id, null, null, null, null));
        await ForgetAsync(unit, user, ct);
        await unit.CommitAsync(ct);
        return password;
    }

    private static async Task<User> FindAsync(AsyncServiceScope scope, string name, CancellationToken ct) =>
        await UserLookup.FindAsync(scope.ServiceProvider.GetRequiredService<IdentityDb>(), name, ct)
        ?? throw new SetupException($"There is no account '{name}': give its username, e-mail address or phone number.");

    private static Task<int> ForgetAsync(Unit<IdentityDb> unit, User user, CancellationToken ct)
    {
        string?[] names = [user.Username, user.Email, user.Phone];
        return unit.Command("""
            delete from identity.sign_in_failures f
            using unnest($1) account
            where f.key = 'account:' || account or f.key like 'pair:' || account || '|%'
            """, names.OfType<string>().Select(SignInLimits.AccountKey).ToArray())
            .ExecuteAsync(ct);
    }
}
