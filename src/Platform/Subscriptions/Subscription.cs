using Boon.Platform.Log;
using Boon.Platform.Units;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Handles a batch of events, in log order, inside the transaction that also moves the checkpoint: changes its own module's state through
/// the unit and appends what that causes. Never commits, never calls another module. It may run again after a rollback, with a fresh unit.
/// </summary>
public delegate Task BatchHandler<TContext>(IReadOnlyList<LoggedEvent> events, Unit<TContext> unit, CancellationToken ct)
    where TContext : DbContext;

/// <summary>A named, durable reader of other modules' logs.</summary>
/// <param name="Name">Its name, unique for ever: its checkpoints are stored under it.</param>
/// <param name="Sources">The modules whose logs it reads.</param>
/// <param name="Handler">What it does with a batch.</param>
/// <param name="SingleLane">True where order over all users matters (first-N): the number of lanes is 1 and no setting changes it.</param>
/// <param name="Types">The wire names of the events that it wants; null: all of them.</param>
/// <param name="Defaults">What counts where nothing is set; null: one lane, batches of 500.</param>
public sealed record Subscription<TContext>(
    string Name, IReadOnlyList<string> Sources, BatchHandler<TContext> Handler, bool SingleLane, string[]? Types = null, SubscriptionSettings? Defaults = null)
    where TContext : DbContext;

/// <summary>A subscription's settings: <c>Boon:Subscriptions:{Name}:Lanes</c> and <c>:BatchSize</c>.</summary>
public sealed record SubscriptionSettings
{
    /// <summary>How many lanes, by user: 1 to 64, default 1 unless the subscription says otherwise. More lanes handle the events of different users at the same time.</summary>
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
            : throw new SetupException($"Boon:Subscriptions:{name}:Lanes is {settings.Lanes}; this subscription decides in log order over all users and has one lane.");
    }
}
