using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Services;
using Boon.Platform.Subscriptions;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Hosting;

/// <summary>Registers the log's parts that every host needs.</summary>
public static class LogServices
{
    /// <summary>Registers the databases, the wake-ups inside the process and between processes.</summary>
    public static IServiceCollection AddBoonLog(this IServiceCollection services)
    {
        services.AddSingleton(provider => new Databases(
            provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<ILoggerFactory>(),
            provider.GetServices<LaneConnections>()));
        services.AddSingleton(provider => new LogPlaces(
            provider.GetRequiredService<Databases>(), provider.GetRequiredService<IConfiguration>(),
            provider.GetServices<HostedModule>().Select(module => module.Name), provider.GetServices<LaneConnections>()));
        services.AddSingleton<ServicesSecret>();
        services.AddSingleton<ModuleClient>();
        services.AddSingleton<EventVersions>();
        services.AddSingleton<CopyFreshness>();
        services.AddSingleton<LogSignals>();
        services.AddSingleton<LogBarrier>();
        services.AddSingleton<LogEpochs>();
        // It listens once everything is built, so on every database that a module has asked for.
        services.AddHostedService<LogNotifications>();
        services.AddHostedService<FrozenSessions>();
        services.AddSingleton<LogWatch>();
        services.AddSingleton<LogCatchUp>();
        services.AddHostedService(provider => provider.GetRequiredService<LogWatch>());
        return services;
    }
}
