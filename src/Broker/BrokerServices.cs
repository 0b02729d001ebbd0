using Boon.Broker.Receiving;
using Boon.Broker.Shipping;
using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Hosting;
using Boon.Platform.Services;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Boon.Broker;

/// <summary>Registers what joins the databases of modules by a broker, where one is set.</summary>
public static class BrokerServices
{
    /// <summary>Registers the shippers of this process's modules, which are registered already, and the receivers of its copies.</summary>
    public static void AddBoonBroker(this IServiceCollection services, IConfiguration configuration, IReadOnlyList<IModule> modules)
    {
        if (Settings.BrokerUrl.Of(configuration) is null)
            return;
        services.AddSingleton(provider => LogTransport.Of(configuration, provider.GetRequiredService<ILoggerFactory>())!);
        var readers = services.Select(service => service.ImplementationInstance).OfType<LaneConnections>().ToList();
        foreach (var (reader, _) in LogPlaces.CopiesIn(configuration, modules.Select(module => module.Name), readers))
            services.AddSingleton(new LaneConnections(reader, [], 1)); // the receiver's
        foreach (var module in modules)
            services.AddSingleton(new LaneConnections(module.Name, [], 1)); // its shipper's
        services.AddHostedService<BrokerLoops>();
    }

    /// <summary>Runs them.</summary>
    private sealed class BrokerLoops(
        IEnumerable<HostedModule> modules, LogPlaces places, LogTransport transport, CopyFreshness freshness, LogSignals signals,
        ModuleClient client, EventTypes types, IConfiguration configuration, TimeProvider time, ILoggerFactory loggers) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var shippers = modules.Select(module => new Shipper(
                module.Database.ForBackground, transport, types, signals, time, loggers.CreateLogger<Shipper>()).RunAsync(stoppingToken));
            var receivers = places.Copies.Select(copy => new CopyReceiver(
                copy, transport, BrokerSettings.Of(configuration)!.PublisherOf(copy.Source), freshness, signals,
                client, time, loggers.CreateLogger<CopyReceiver>()).RunAsync(stoppingToken));
            return Task.WhenAll([.. shippers, .. receivers]);
        }
    }
}
