using Boon.Orders.Customers;
using Boon.Orders.Placement;

namespace Boon.Orders;

/// <summary>
/// Orders, with or without a code that takes something off. Logs <c>orders.*</c>; learns from other modules' logs who there is, and what
/// became of the codes.
/// </summary>
public sealed class OrdersModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "orders";

    /// <summary>The subscription that settles orders with a code.</summary>
    public const string SettleOrdersSubscription = "orders.settle-orders";

    /// <summary>
    /// The subscription that learns who there is. One lane: one checkpoint says up to where the users are known, which a replay needs.
    /// </summary>
    public const string LearnUsersSubscription = "orders.learn-users";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(OrdersDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        new Subscription<OrdersDb>(
            SettleOrdersSubscription, ["promotions"], SettleOrders.HandleAsync, SingleLane: false,
            [CodeRedeemed.Name, RedemptionRefused.Name]),
        new Subscription<OrdersDb>(
            LearnUsersSubscription, [KnownUsers.Source], LearnUsers.HandleAsync, SingleLane: true, KnownUsers.Events),
    ];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module)
    {
        module.Database<OrdersDb>();
        module.Services.AddSingleton<KnownUsers>();
        module.Services.AddSingleton<ReplayUsers>();
        module.Services.AddSingleton(provider => new ModuleReplay(ModuleName, provider.GetRequiredService<ReplayUsers>().RunAsync));
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        PlaceOrder.Map(routes);
        ListOrders.Map(routes);
        GetOrder.Map(routes);
        CancelOrder.Map(routes);
    }
}
