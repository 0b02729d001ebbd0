using Boon.Identity.Accounts;
using Microsoft.Extensions.Hosting;

namespace Boon.Identity.Users;

/// <summary>
/// Folds the keys of accounts that a former version stored (<see cref="UserRules.FormerKey"/>), at a start and before anything is served:
/// page by page in the order of ids, from where the last start came to. Two accounts that become one stay two: the one that is read later
/// keeps its former key, and the log says so.
/// </summary>
internal sealed partial class FoldKeys(ModuleDatabase<IdentityDb> module, ILogger<FoldKeys> logger) : IHostedService
{
    /// <summary>Accounts that are looked at in one transaction.</summary>
    private const int PageSize = 5_000;

    /// <summary>Tries of one page: somebody can register a key between the look and the update.</summary>
    private const int MostTries = 10;

    private sealed record Account(Guid Id, string? Username, string? Email, string? UsernameKey, string? EmailKey);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var tries = 0;
        while (true)
            try
            {
                if (!await PageAsync(cancellationToken))
                    return;
                tries = 0;
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation && ++tries < MostTries)
            {
                LogAgain(logger);
            }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Folds the next page; false at the end.</summary>
    private async Task<bool> PageAsync(CancellationToken ct)
    {
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var (accounts, last) = await ReadAsync(connection, ct);
        if (last is not { } upTo)
            return false;
        foreach (var account in accounts)
        {
            if (account.Username is not null)
                await FoldAsync(connection, account.Id, "username", account.UsernameKey!, UserRules.Key(account.Username), ct);
            if (account.Email is not null)
                await FoldAsync(connection, account.Id, "email", account.EmailKey!, UserRules.EmailKey(account.Email), ct);
        }
        await connection.Command("update identity.folded_keys set up_to = $1", upTo).ExecuteAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>
    /// The accounts of the next page whose keys can change, which are those that are not ASCII, and the last id of the page.
    /// </summary>
    private static async Task<(List<Account> Accounts, Guid? Last)> ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var after = await connection.Command("select up_to from identity.folded_keys for update").ScalarAsync<Guid>(ct);
        var accounts = await connection.Command($"""
            with page as (
                select id, username, email, username_key, email_key
                from identity.users
                where id > $1
                order by id
                limit {PageSize}
            )
            select id, username, email, username_key, email_key
            from page
            where username_key ~ '[^ -~]' or email_key ~ '[^ -~]' or id = (select id from page order by id desc limit 1)
            order by id
            """, after)
            .ReadAllAsync(row => new Account(
                row.GetGuid(0), row.GetNullable<string>(1), row.GetNullable<string>(2), row.GetNullable<string>(3),
                    row.GetNullable<string>(4)), ct);
        return (accounts, accounts.Count == 0 ? null : accounts[^1].Id);
    }

    private async Task FoldAsync(NpgsqlConnection connection, Guid id, string field, string former, string key, CancellationToken ct)
    {
        if (key == former)
            return;
        var folded = await connection.Command($"""
            update identity.users u
            set {field}_key = $2
            where id = $1 and {field}_key = $3 and not exists (select from identity.users o where o.{field}_key = $2)
            """, id, key, former)
            .ExecuteAsync(ct);
        if (folded == 0
            && await connection.Command($"select id from identity.users where {field}_key = $1 and id <> $2", key, id).ScalarAsync<Guid?>(
                ct) is { } other)
            LogTaken(logger, id, other, field);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "The accounts {Account} and {Other} have the same {Field} by the rules of this version; {Account} keeps its own spelling",
        EventName = "account-key-taken")]
    private static partial void LogTaken(ILogger logger, Guid account, Guid other, string field);

    [LoggerMessage(2, LogLevel.Information,
        "An account was registered with one of these keys meanwhile; this page of accounts is read again", EventName = "fold-keys-again")]
    private static partial void LogAgain(ILogger logger);
}
