using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>Names a lane in the database: the module's schema, the subscription, and the number of the lane, from 0.</summary>
internal readonly record struct LaneKey(string Schema, string Subscription, int Lane);

/// <summary>A lane, one of <paramref name="Count"/>, with what its reader works with.</summary>
internal sealed record Lane<TContext>(
    Subscription<TContext> Subscription, SubscriptionSettings Settings, int Number, int Count,
    ModuleDatabase<TContext> Module, LogPlaces Places, EventVersions Versions, LogSignals Signals,
    ILogger Logger)
    where TContext : DbContext
{
    internal LaneKey Key { get; } = new(Module.Database.Schema, Subscription.Name, Number);

    internal ModuleDatabase Database => Module.Database;

    /// <summary>Where it reads a source.</summary>
    internal LogPlace PlaceOf(string source) => Places.Of(Database.Module, source);
}
