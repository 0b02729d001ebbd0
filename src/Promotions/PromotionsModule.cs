using Boon.Promotions.Campaigns;
using Boon.Promotions.Claims;
using Boon.Promotions.CouponTypes;
using Boon.Promotions.Pool;
using Boon.Promotions.Redemptions;
using Boon.Promotions.Rewards;
using Boon.Promotions.Uploads;
using Boon.Promotions.Vouchers;

namespace Boon.Promotions;

/// <summary>
/// Campaigns, vouchers, coupons and redemptions. Logs <c>promotions.*</c>; reacts to any event that is a campaign's trigger, to rewards of
/// quests, and to orders with a code.
/// </summary>
public sealed class PromotionsModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "promotions";

    /// <summary>The subscription that issues vouchers. One lane: the first N are decided in log order over all users.</summary>
    public const string IssueVouchersSubscription = "promotions.issue-vouchers";

    /// <summary>The subscription that grants rewards that are coupons. One lane: who claims first is served first.</summary>
    public const string GrantRewardsSubscription = "promotions.grant-rewards";

    /// <summary>The subscription that redeems the codes of orders, and gives them back.</summary>
    public const string RedeemOrdersSubscription = "promotions.redeem-orders";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(PromotionsDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        new Subscription<PromotionsDb, IssueVouchers>(
            IssueVouchersSubscription, Subscription.EveryOther, vouchers => vouchers.HandleAsync, SingleLane: true),
        new Subscription<PromotionsDb>(
            GrantRewardsSubscription, ["quests"], GrantRewards.HandleAsync, SingleLane: true, [RewardClaimed.Name]),
        new Subscription<PromotionsDb>(
            RedeemOrdersSubscription, ["orders"], RedeemOrders.HandleAsync, SingleLane: false, [OrderPlaced.Name, OrderCancelled.Name]),
    ];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module)
    {
        module.Database<PromotionsDb>();
        module.Services.AddSingleton(new TriggerUse("campaigns", ModuleName));
        module.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(
            0, PromotionsJson.Default));
        module.Services.AddSingleton<ClaimQueue>();
        module.Services.AddSingleton<UploadPlaces>();
        module.Run<ClaimPacer>();
        module.Run<CampaignUses>();
        module.Run<CouponCounts>();
        module.Run<CouponPurge>();
        module.Run<DelayedRewards>();
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        CreateCampaign.Map(routes);
        GetCampaigns.Map(routes);
        ChangeCampaign.Map(routes);
        ListDecisions.Map(routes);
        ListVouchers.Map(routes);
        PutCouponType.Map(routes);
        ListCouponTypes.Map(routes);
        UploadCoupons.Map(routes);
        PurgeCoupons.Map(routes);
        ClaimCoupon.Map(routes);
        GetClaim.Map(routes);
        ListCoupons.Map(routes);
        PreviewRedemption.Map(routes);
        RedeemCode.Map(routes);
        ReleaseRedemption.Map(routes);
    }
}
