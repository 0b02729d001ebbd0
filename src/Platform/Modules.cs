using Boon.Platform.Data;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform;

/// <summary>A module of Boon: its services, its routes and the events that it handles. It owns one schema and references no other module.</summary>
public interface IModule
{
    /// <summary>Its name, which is its schema: lower-case letters.</summary>
    string Name { get; }

    /// <summary>Registers its database, subscriptions and services.</summary>
    void Add(ModuleBuilder module);

    /// <summary>Maps its routes.</summary>
    void Map(IEndpointRouteBuilder routes);
}

/// <summary>Registers a module's parts with the host.</summary>
public sealed class ModuleBuilder(string name, IServiceCollection services, IConfiguration configuration)
{
    /// <summary>The host's services.</summary>
    public IServiceCollection Services => services;

    /// <summary>The host's settings.</summary>
    public IConfiguration Configuration => configuration;

    /// <summary>Gives the module its database: migrations, a unit of work for changes, a context for reads, and the sequencer of its log.</summary>
    public ModuleBuilder Database<TContext>()
        where TContext : DbContext
    {
        services.AddSingleton(provider => new ModuleDatabase<TContext>(provider.GetRequiredService<Databases>().Of(name)));
        services.AddSingleton<ModuleMigrations, ModuleMigrations<TContext>>();
        services.AddScoped<Unit<TContext>>();
        services.AddDbContextPool<TContext>((provider, options) =>
        {
            var database = provider.GetRequiredService<ModuleDatabase<TContext>>().Database;
            ModuleContext.ConfigureReads(options, database.Source, database.Schema);
        });
        services.AddSingleton(provider => new HostedModule(provider.GetRequiredService<ModuleDatabase<TContext>>().Database));
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<SequencerLoop>(
            provider, provider.GetRequiredService<ModuleDatabase<TContext>>().Database));
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<Housekeeping>(
            provider, provider.GetRequiredService<ModuleDatabase<TContext>>().Database));
        return this;
    }

    /// <summary>Adds a subscription of this module.</summary>
    public ModuleBuilder Subscribe<TContext>(Subscription<TContext> subscription)
        where TContext : DbContext => Subscribe(subscription.Name, _ => subscription);

    /// <summary>Adds a subscription whose handler is made of the host's services.</summary>
    public ModuleBuilder Subscribe<TContext>(string name, Func<IServiceProvider, Subscription<TContext>> subscription)
        where TContext : DbContext
    {
        services.AddSingleton<SubscriptionRunner>(provider => ActivatorUtilities.CreateInstance<SubscriptionRunner<TContext>>(provider, subscription(provider)));
        services.AddSingleton<IHostedService>(provider => provider.GetServices<SubscriptionRunner>().First(runner => runner.Name == name));
        return this;
    }

    /// <summary>Adds a service that runs with the host.</summary>
    public ModuleBuilder Run<TService>()
        where TService : class, IHostedService
    {
        services.TryAddSingleton<TService>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<TService>());
        return this;
    }
}

/// <summary>A module that this process hosts.</summary>
public sealed record HostedModule(ModuleDatabase Database)
{
    /// <summary>Its name.</summary>
    public string Name => Database.Module;
}
