using Boon.Wallet.Entries;

namespace Boon.Wallet;

/// <summary>What users own: an append-only ledger, whose sum is the balance. Logs <c>wallet.*</c>; reacts to rewards of quests.</summary>
public sealed class WalletModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "wallet";

    /// <summary>The subscription that credits rewards, and takes back those of withdrawn completions.</summary>
    public const string CreditRewardsSubscription = "wallet.credit-rewards";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(WalletDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        new Subscription<WalletDb>(
            CreditRewardsSubscription, ["quests"], CreditRewards.HandleAsync, SingleLane: false,
            [RewardClaimed.Name, CompletionWithdrawn.Name]),
    ];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module) => module.Database<WalletDb>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        GetWallet.Map(routes);
        ListEntries.Map(routes);
    }
}
