using Boon.Host;
using Boon.Orders;
using Boon.Promotions;
using Boon.Quests;
using Boon.Wallet;

namespace Boon.Support;

/// <summary>When nothing is left to do: every event of every module has its number, and every subscription is there and stands at the end of each of its sources.</summary>
public static class Quiet
{
    private static readonly Dictionary<string, string[]> Subscriptions = new()
    {
        [PromotionsModule.ModuleName] = [PromotionsModule.IssueVouchersSubscription, PromotionsModule.GrantRewardsSubscription, PromotionsModule.RedeemOrdersSubscription],
        [QuestsModule.ModuleName] = [QuestsModule.TrackProgressSubscription, QuestsModule.SettleRewardsSubscription],
        [WalletModule.ModuleName] = [WalletModule.CreditRewardsSubscription],
        [OrdersModule.ModuleName] = [OrdersModule.SettleOrdersSubscription, OrdersModule.LearnUsersSubscription],
    };

    /// <summary>An SQL statement over all modules: one statement, so one snapshot.</summary>
    public static string Sql { get; } = Of([.. BoonHost.AllModules.Select(module => module.Name)]);

    /// <summary>The same for a host of some modules.</summary>
    public static string Of(IReadOnlyList<string> modules)
    {
        var heads = string.Join(" union all ", modules.Select(module => $"select '{module}' as source, last from {module}.log_head"));
        var checkpoints = string.Join(" union all ", modules.Select(module => $"select source, sequence from {module}.checkpoints"));
        var waiting = modules.Select(module => $"exists (select from {module}.event_log l where not exists (select from {module}.event_order o where o.position = l.position))");
        foreach (var module in modules.Where(Subscriptions.ContainsKey))
            waiting = waiting.Concat(Subscriptions[module].Select(name => $"not exists (select from {module}.checkpoints where subscription = '{name}')"));
        return $"select not ({string.Join(" or ", waiting)} or exists (select from ({checkpoints}) c join ({heads}) h on h.source = c.source where c.sequence < h.last))";
    }
}
