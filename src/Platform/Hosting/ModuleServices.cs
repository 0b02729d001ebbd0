using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Rules;
using Boon.Platform.Subscriptions;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Hosting;

/// <summary>Registers modules with the host, and what the host knows of all of them.</summary>
public static class ModuleServices
{
    /// <summary>Registers what modules declare and add.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's settings.</param>
    /// <param name="all">Every module of the program: the others run in other processes, and their logs are read here.</param>
    /// <param name="hosted">Those that run here.</param>
    public static void AddBoonModules(
        this IServiceCollection services, IConfiguration configuration, IReadOnlyList<IModule> all, IReadOnlyList<IModule> hosted)
    {
        var known = new KnownModules([.. all.Select(module => module.Name)]);
        services.AddSingleton(known);
        var types = new EventTypes(all.Select(module => module.GetType().Assembly));
        services.AddSingleton(types);
        services.AddSingleton<RuleTriggers>();
        foreach (var module in hosted)
        {
            var builder = new ModuleBuilder(module.Name, services, configuration);
            EraseUsers.Check(module.Name, module.Subscriptions, types);
            module.Add(builder);
            foreach (var subscription in module.Subscriptions)
                builder.Subscribe(subscription, known);
        }
        // After those of the modules, whose schemas it finds.
        services.AddSingleton<ModuleMigrations, BrokerMigrations>();
    }
}
