using Boon.Platform.Log;
using Boon.Platform.Units;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Handles a batch of events, in log order, inside the transaction that also moves the checkpoint: changes its own module's state through
/// the unit and appends what that causes. Never commits, never calls another module. It may run again after a rollback, with a fresh unit.
/// It answers whether it wrote anything.
/// </summary>
public delegate Task<BatchEffect> BatchHandler<TContext>(IReadOnlyList<LoggedEvent> events, Unit<TContext> unit, CancellationToken ct)
    where TContext : DbContext;

/// <summary>A named, durable reader of other modules' logs, as its module declares it.</summary>
/// <param name="Name">Its name, unique for ever: its checkpoints are stored under it.</param>
/// <param name="Sources">The modules whose logs it reads, or <see cref="EveryOther"/>.</param>
/// <param name="SingleLane">True where order over all users matters (first-N): the number of lanes is 1 and no setting changes it.</param>
/// <param name="Types">The wire names of the events that it wants; null: all of them.</param>
/// <param name="Defaults">What counts where nothing is set; null: one lane, batches of 500.</param>
public abstract record Subscription(
    string Name, IReadOnlyList<string> Sources, bool SingleLane, string[]? Types, SubscriptionSettings? Defaults)
{
    /// <summary>
    /// The sources of a subscription that reads the log of every module but its own: the host puts their names in place of this.
    /// </summary>
    public static IReadOnlyList<string> EveryOther { get; } = ["*"];

    /// <summary>Its runner in a host.</summary>
    internal abstract SubscriptionRunner CreateRunner(IServiceProvider services);
}

/// <summary>A subscription with its handler.</summary>
/// <param name="Name">As <see cref="Subscription"/> says.</param>
/// <param name="Sources">As <see cref="Subscription"/> says.</param>
/// <param name="Handler">What it does with a batch.</param>
/// <param name="SingleLane">As <see cref="Subscription"/> says.</param>
/// <param name="Types">As <see cref="Subscription"/> says.</param>
/// <param name="Defaults">As <see cref="Subscription"/> says.</param>
public sealed record Subscription<TContext>(
    string Name, IReadOnlyList<string> Sources, BatchHandler<TContext> Handler, bool SingleLane, string[]? Types = null,
    SubscriptionSettings? Defaults = null)
    : Subscription(Name, Sources, SingleLane, Types, Defaults)
    where TContext : DbContext
{
    internal override SubscriptionRunner CreateRunner(IServiceProvider services) =>
        ActivatorUtilities.CreateInstance<SubscriptionRunner<TContext>>(services, this);
}

/// <summary>A subscription whose handler is a method of an object that the host makes, with its services.</summary>
/// <param name="Name">As <see cref="Subscription"/> says.</param>
/// <param name="Sources">As <see cref="Subscription"/> says.</param>
/// <param name="Handler">Which method of it.</param>
/// <param name="SingleLane">As <see cref="Subscription"/> says.</param>
/// <param name="Types">As <see cref="Subscription"/> says.</param>
/// <param name="Defaults">As <see cref="Subscription"/> says.</param>
public sealed record Subscription<TContext, THandler>(
    string Name, IReadOnlyList<string> Sources, Func<THandler, BatchHandler<TContext>> Handler, bool SingleLane, string[]? Types = null,
    SubscriptionSettings? Defaults = null) : Subscription(Name, Sources, SingleLane, Types, Defaults)
    where TContext : DbContext
    where THandler : class
{
    internal override SubscriptionRunner CreateRunner(IServiceProvider services) => new Subscription<TContext>(
        Name, Sources, Handler(ActivatorUtilities.CreateInstance<THandler>(services)), SingleLane, Types, Defaults).CreateRunner(services);
}

/// <summary>A subscription's settings: <c>Boon:Subscriptions:{Name}:Lanes</c> and <c>:BatchSize</c>.</summary>
public sealed record SubscriptionSettings
{
    /// <summary>
    /// How many lanes, by user: 1 to 64, default 1 unless the subscription says otherwise. More lanes handle the events of different users
    /// at the same time.
    /// </summary>
    public int Lanes { get; init; } = 1;

    /// <summary>The most events in one transaction: 1 to 10,000, default 500 unless the subscription says otherwise.</summary>
    public int BatchSize { get; init; } = 500;

    /// <summary>What is set for a subscription.</summary>
    /// <exception cref="SetupException">It cannot be.</exception>
    internal static SubscriptionSettings Of(IConfiguration configuration, string name, bool singleLane, SubscriptionSettings defaults)
    {
        var settings = new SubscriptionSettings
        {
            Lanes = Settings.Lanes.Of(configuration, $"Boon:Subscriptions:{name}:Lanes", defaults.Lanes),
            BatchSize = Settings.BatchSize.Of(configuration, $"Boon:Subscriptions:{name}:BatchSize", defaults.BatchSize),
        };
        return !singleLane || settings.Lanes == 1 ? settings
            : throw new SetupException($"Boon:Subscriptions:{name}:Lanes is {settings.Lanes}; this subscription decides in log order over "
                + $"all users and has one lane.");
    }
}
