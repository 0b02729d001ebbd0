using System.Buffers.Text;
using System.Security.Cryptography;
using Boon.Identity.Accounts;
using Boon.Identity.Passwords;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Identity.Users;

/// <summary>
/// Makes the first operator at the first start: username <c>operator</c>, password <c>Boon__Operator__Password</c> if set, else a random
/// one that is printed once. Processes that start together make one.
/// </summary>
internal sealed partial class FirstOperator(
    ModuleDatabase<IdentityDb> module, IServiceScopeFactory scopes, PasswordHashing hashing, IConfiguration configuration,
    ILogger<FirstOperator> logger) : IHostedService
{
    internal const string Username = "operator";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // In SQL: a start that finds everything in place has no need of EF Core's model.
        var exists = module.Command("select exists (select from identity.users where username_key = $1)", Username);
        if (await exists.ScalarAsync<bool>(cancellationToken))
            return;
        var chosen = Settings.OperatorPassword.Of(configuration);
        var password = string.IsNullOrEmpty(chosen) ? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18)) : chosen;
        var hash = await hashing.HashAsync(password, HashFor.SignIn, cancellationToken);

        await using var scope = scopes.CreateAsyncScope();
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(cancellationToken);
        var user = User.Register(
            OrderedId.New(), Username, email: null, phone: null, "Operator", birthday: null, hash!, Role.Operator);
        unit.Db.Add(user);
        unit.Append(new UserRegistered(user.Id, user.Username, null, null, user.FullName, Returning: false));
        try
        {
            await unit.CommitAsync(cancellationToken);
        }
        catch (DbUpdateException error) when (error.ViolatedConstraint() == UserRules.UniqueUsername)
        {
            return; // another process was first
        }
        if (string.IsNullOrEmpty(chosen))
            // On the console and nowhere else: log files are kept.
            Console.WriteLine($"\nThe first operator is '{Username}' with the password {password}\nIt is not shown again. To choose it "
                + $"yourself, set Boon__Operator__Password before the first start.\n");
        LogCreated(logger);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Information, "The first operator was created", EventName = "operator-created")]
    private static partial void LogCreated(ILogger logger);
}
