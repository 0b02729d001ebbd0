using System.Security.Cryptography;
using System.Text;
using Boon.Identity.Accounts;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;

namespace Boon.Identity.Users;

/// <summary>
/// Knows somebody who erased an account and opens another with the same e-mail address or phone number, so that what is for newcomers stays
/// so (<c>Boon:Users:RememberErased</c>, off unless set). What is kept is an HMAC under a secret that lies in the database encrypted with
/// ASP.NET Data Protection, as signing keys do: a copy of the database alone tells nobody whether an address was here. A process uses every
/// secret that it can open, so processes that share a key ring know the same people.
/// </summary>
internal sealed class ErasedPeople(IConfiguration configuration, IDataProtectionProvider protection)
{
    private const int SecretBytes = 32;

    private readonly bool remembers = Settings.RememberErased.Of(configuration);
    private readonly IDataProtector protector = protection.CreateProtector("Boon.Identity.ErasedPeople.v1");

    /// <summary>Keeps the account's e-mail address and phone number in this form, in the transaction that erases it.</summary>
    internal async Task RememberAsync(Unit<IdentityDb> unit, User user, CancellationToken ct)
    {
        if (!remembers)
            return;
        var secret = (await SecretsAsync(unit, ct)).FirstOrDefault() ?? await MakeSecretAsync(unit, ct);
        await unit.Command("""
            insert into identity.erased_identifiers (hash)
            select unnest($1::bytea[])
            on conflict (hash) do update set erased_at = now()
            """, SqlValue.Of(HashesOf(user, secret).ToArray()))
            .ExecuteAsync(ct);
    }

    /// <summary>
    /// Marks a new account whose e-mail address or phone number was erased before; answers whether it was. Asked after the account was
    /// inserted: its unique keys have then waited for an erasure that was under way.
    /// </summary>
    internal async Task<bool> MarkReturningAsync(Unit<IdentityDb> unit, User user, CancellationToken ct)
    {
        if (!remembers)
            return false;
        var hashes = (await SecretsAsync(unit, ct)).SelectMany(secret => HashesOf(user, secret)).ToArray();
        if (hashes.Length == 0)
            return false;
        return await unit.Command("""
            update identity.users
            set returned = true
            where id = $1 and exists (select from identity.erased_identifiers where hash = any ($2))
            """, user.Id, SqlValue.Of(hashes))
            .ExecuteAsync(ct) == 1;
    }

    /// <summary>The secrets that this process can open, the oldest first.</summary>
    private async Task<List<byte[]>> SecretsAsync(Unit<IdentityDb> unit, CancellationToken ct)
    {
        var secrets = new List<byte[]>();
        await unit.Command("select secret from identity.erased_secrets order by created_at, id").ReadEachAsync(row =>
        {
            try
            {
                secrets.Add(protector.Unprotect(row.GetFieldValue<byte[]>(0)));
            }
            catch (CryptographicException)
            {
                // made by a process with another key ring
            }
        }, ct);
        return secrets;
    }

    private async Task<byte[]> MakeSecretAsync(Unit<IdentityDb> unit, CancellationToken ct)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        await unit.Command("insert into identity.erased_secrets (id, secret) values ($1, $2)", OrderedId.New(),
            protector.Protect(secret))
            .ExecuteAsync(ct);
        return secret;
    }

    private static IEnumerable<byte[]> HashesOf(User user, byte[] secret)
    {
        if (user.EmailKey is not null)
            yield return HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes("email:" + user.EmailKey));
        if (user.Phone is not null)
            yield return HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes("phone:" + user.Phone));
    }
}
