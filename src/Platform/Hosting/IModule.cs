using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Hosting;

/// <summary>
/// A module of Boon: its services, its routes and the events that it handles. It owns one schema and references no other module.
/// </summary>
public interface IModule
{
    /// <summary>Its name, which is its schema: lower-case letters.</summary>
    string Name { get; }

    /// <summary>What its guarantees rest on, for tests to take out.</summary>
    IReadOnlyList<Defence> Defences => [];

    /// <summary>What it reads of other modules' logs.</summary>
    IReadOnlyList<Subscription> Subscriptions { get; }

    /// <summary>Registers its database and services.</summary>
    void Add(ModuleBuilder module);

    /// <summary>Maps its routes.</summary>
    void Map(IEndpointRouteBuilder routes);
}
