using Boon.Quests.Catalog;
using Boon.Quests.Completions;
using Boon.Quests.Progress;

namespace Boon.Quests;

/// <summary>
/// Rewards, quests, and how far each user is with them. Logs <c>quests.*</c>; reacts to any event that is a quest's trigger, and to what
/// became of rewards.
/// </summary>
public sealed class QuestsModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "quests";

    /// <summary>The subscription that counts events.</summary>
    public const string TrackProgressSubscription = "quests.track-progress";

    /// <summary>Every event costs several rows here: two lanes use two cores, and large batches have fewer commits.</summary>
    internal static SubscriptionSettings TrackProgressDefaults { get; } = new() { Lanes = 2, BatchSize = 2_000 };

    /// <summary>The subscription that learns which rewards were granted.</summary>
    public const string SettleRewardsSubscription = "quests.settle-rewards";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(QuestsDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        new Subscription<QuestsDb, TrackProgress>(
            TrackProgressSubscription, Subscription.EveryOther, progress =>
                progress.HandleAsync, SingleLane: false, Defaults: TrackProgressDefaults),
        new Subscription<QuestsDb>(
            SettleRewardsSubscription, ["wallet", "promotions"], SettleRewards.HandleAsync, SingleLane: false,
            [WalletCredited.Name, RewardGranted.Name, RewardDelayed.Name]),
    ];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module)
    {
        module.Database<QuestsDb>();
        module.Services.AddSingleton(new TriggerUse("quests", ModuleName));
        module.Run<CatalogReader>();
        module.Run<StepTotals>();
        module.Services.AddSingleton(provider => new ModuleReplay(ModuleName, provider.GetRequiredService<ReplayProgress>().RunAsync));
        module.Services.AddSingleton<ReplayProgress>();
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        CreateReward.Map(routes);
        GetRewards.Map(routes);
        CreateQuest.Map(routes);
        GetQuests.Map(routes);
        ChangeQuest.Map(routes);
        GetProgress.Map(routes);
        GetSteps.Map(routes);
        ListReceived.Map(routes);
        ClaimReward.Map(routes);
        ListCompletions.Map(routes);
    }
}
