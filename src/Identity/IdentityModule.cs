using Boon.Identity.Accounts;
using Boon.Identity.Keys;
using Boon.Identity.Passwords;
using Boon.Identity.Sessions;
using Boon.Identity.Users;
using Microsoft.AspNetCore.DataProtection;

namespace Boon.Identity;

/// <summary>Accounts, sessions and signing keys. Logs <c>identity.*</c>; reacts to nothing.</summary>
public sealed class IdentityModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "identity";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(IdentityDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions => [];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module)
    {
        module.Database<IdentityDb>();
        module.Services.AddSingleton<PasswordHashing>();
        module.Services.AddSingleton<CurrentPassword>();
        module.Services.AddSingleton<ErasedPeople>();
        module.Services.AddSingleton<OperatorAccounts>();
        module.Services.AddSingleton(SignInLimits.From(module.Configuration));
        module.Services.AddSingleton(SignUpLimits.From(module.Configuration));
        module.Services.AddSingleton(RefreshOverlap.From(module.Configuration));
        // The ring lives beside the data, not in the database: a copy of the database alone opens no key.
        var ring = PrivateFolder.Create(Path.Combine(module.Configuration["Boon:Data"] ?? ".boon", "keys"));
        module.Services.AddDataProtection().SetApplicationName("boon").PersistKeysToFileSystem(ring);
        module.Run<SigningKeys>();
        module.Run<FoldKeys>();
        module.Run<FirstOperator>();
        module.Run<SessionHousekeeping>();
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        RegisterUser.Map(routes);
        GetUser.Map(routes);
        ChangeUser.Map(routes);
        EraseUser.Map(routes);
        SetRoles.Map(routes);
        SignIn.Map(routes);
        RefreshSession.Map(routes);
        SignOut.Map(routes);
        GetPublicKeys.Map(routes);
    }

    /// <summary>Forgets the failed tries that an account is locked by; answers how many counts there were.</summary>
    public static Task<int> UnlockAsync(IServiceProvider services, string name, CancellationToken ct) =>
        services.GetRequiredService<OperatorAccounts>().UnlockAsync(name, ct);

    /// <summary>Forgets the tries that an address is locked by; answers how many counts there were.</summary>
    public static Task<int> UnlockAsync(IServiceProvider services, System.Net.IPAddress address, CancellationToken ct) =>
        services.GetRequiredService<OperatorAccounts>().UnlockAsync(address, ct);

    /// <summary>Gives an operator a new password, which it answers, and ends all of the account's sessions.</summary>
    public static Task<string> ResetPasswordAsync(IServiceProvider services, string name, CancellationToken ct) =>
        services.GetRequiredService<OperatorAccounts>().ResetPasswordAsync(name, ct);
}
