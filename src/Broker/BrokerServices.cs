using Boon.Broker.Receiving;
using Boon.Broker.Shipping;
using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Hosting;
using Boon.Platform.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Boon.Broker;

/// <summary>Registers what joins the databases of modules by a broker, where one is set.</summary>
public static class BrokerServices
{
    /// <summary>Registers the shippers of this process's modules and the receivers of its copies.</summary>
    public static void AddBoonBroker(this IServiceCollection services, IConfiguration configuration, IReadOnlyList<IModule> modules)
    {
        if (string.IsNullOrEmpty(configuration["Boon:Broker:Url"]))
            return;
        foreach (var module in modules)
            services.AddSingleton(new LaneConnections(module.Name, [], 1 + Copies(module)));
        services.AddHostedService<BrokerLoops>();
    }

    /// <summary>The most copies that a module makes its database have; each has a connection while it is received here.</summary>
    private static int Copies(IModule module)
    {
        var sources = module.Subscriptions.SelectMany(subscription => subscription.Sources).Append(LogPlaces.Everywhere).ToHashSet();
        return sources.Contains(Subscription.EveryOther[0]) ? KnownLogs : sources.Count;
    }

    private const int KnownLogs = 6;

    /// <summary>Runs them.</summary>
    private sealed class BrokerLoops(
        IEnumerable<HostedModule> modules, LogPlaces places, LogTransport transport, CopyFreshness freshness, LogSignals signals,
        IConfiguration configuration, TimeProvider time, ILoggerFactory loggers) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var shippers = modules.Select(module => new Shipper(
                module.Database.ForBackground, transport, signals, time, loggers.CreateLogger<Shipper>()).RunAsync(stoppingToken));
            var receivers = places.Copies.Select(copy => new CopyReceiver(
                copy, transport, configuration[$"Boon:Broker:Publishers:{copy.Source}"] ?? $"boon-{copy.Source}",
                freshness, signals, time, loggers.CreateLogger<CopyReceiver>()).RunAsync(stoppingToken));
            return Task.WhenAll([.. shippers, .. receivers]);
        }
    }
}
