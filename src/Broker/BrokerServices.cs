using Boon.Broker.Receiving;
using Boon.Broker.Shipping;
using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Hosting;
using Boon.Platform.Services;
using Boon.Platform.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Boon.Broker;

/// <summary>Registers what joins the databases of modules by a broker, where one is set.</summary>
public static class BrokerServices
{
    /// <summary>Registers the shippers of this process's modules and the receivers of its copies.</summary>
    public static void AddBoonBroker(
        this IServiceCollection services, IConfiguration configuration, IReadOnlyList<IModule> known, IReadOnlyList<IModule> modules)
    {
        if (string.IsNullOrEmpty(configuration["Boon:Broker:Url"]))
            return;
        services.AddSingleton(provider => LogTransport.Of(configuration, provider.GetRequiredService<ILoggerFactory>())!);
        foreach (var module in modules)
            services.AddSingleton(new LaneConnections(module.Name, [], 1)); // its shipper's
        foreach (var (reader, _) in Copies(configuration, known, modules))
            services.AddSingleton(new LaneConnections(reader, [], 1)); // the receiver's
        services.AddHostedService<BrokerLoops>();
    }

    /// <summary>
    /// The copies that are received here, as <see cref="LogPlaces.Copies"/> finds them once the databases are known: their number is needed
    /// before.
    /// </summary>
    private static IEnumerable<(string Reader, string Source)> Copies(
        IConfiguration configuration, IReadOnlyList<IModule> known, IReadOnlyList<IModule> modules)
    {
        var wanted = from module in modules
                     from source in module.Subscriptions.SelectMany(subscription => SourcesOf(module, subscription, known))
                        .Append(LogPlaces.Everywhere).Distinct(StringComparer.Ordinal)
                     where Databases.TextOf(configuration, module.Name) != Databases.TextOf(configuration, source)
                     select (Reader: module.Name, Source: source);
        return wanted.DistinctBy(one => (Databases.TextOf(configuration, one.Reader), one.Source));
    }

    private static IEnumerable<string> SourcesOf(IModule module, Subscription subscription, IReadOnlyList<IModule> known) =>
        subscription.Sources == Subscription.EveryOther
            ? known.Select(one => one.Name).Where(name => name != module.Name) : subscription.Sources;

    /// <summary>Runs them.</summary>
    private sealed class BrokerLoops(
        IEnumerable<HostedModule> modules, LogPlaces places, LogTransport transport, CopyFreshness freshness, LogSignals signals,
        ModuleClient client, IConfiguration configuration, TimeProvider time, ILoggerFactory loggers) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var shippers = modules.Select(module => new Shipper(
                module.Database.ForBackground, transport, signals, time, loggers.CreateLogger<Shipper>()).RunAsync(stoppingToken));
            var receivers = places.Copies.Select(copy => new CopyReceiver(
                copy, transport, BrokerSettings.Of(configuration)!.PublisherOf(copy.Source), freshness, signals,
                client, time, loggers.CreateLogger<CopyReceiver>()).RunAsync(stoppingToken));
            return Task.WhenAll([.. shippers, .. receivers]);
        }
    }
}
