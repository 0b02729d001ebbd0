using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Platform.Units;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Hosting;

/// <summary>Registers a module's parts with the host.</summary>
public sealed class ModuleBuilder(string name, IServiceCollection services, IConfiguration configuration)
{
    /// <summary>The host's services.</summary>
    public IServiceCollection Services => services;

    /// <summary>The host's settings.</summary>
    public IConfiguration Configuration => configuration;

    /// <summary>
    /// Gives the module its database: migrations, a unit of work for changes, a context for reads, and the sequencer of its log.
    /// </summary>
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
            provider, provider.GetRequiredService<ModuleDatabase<TContext>>().Database.ForBackground));
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<Housekeeping>(
            provider, provider.GetRequiredService<ModuleDatabase<TContext>>().Database.ForBackground));
        return this;
    }

    /// <summary>Adds a subscription of this module.</summary>
    internal void Subscribe(Subscription declared, KnownModules modules)
    {
        var subscription = declared.Sources == Subscription.EveryOther ? declared with { Sources = modules.Except(name) } : declared;
        var settings = SubscriptionSettings.Of(configuration, subscription.Name, subscription.SingleLane, subscription.Defaults ?? new());
        services.AddSingleton(new LaneConnections(name, subscription.Sources, settings.Lanes));
        services.AddSingleton(subscription.CreateRunner);
        services.AddSingleton<IHostedService>(provider => provider.GetServices<SubscriptionRunner>()
            .First(runner => runner.Name == subscription.Name));
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
