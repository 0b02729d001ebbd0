using Boon.Broker.PrivateRabbit;
using Boon.Platform;
using Boon.Platform.Hosting;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;

namespace Boon.Host.Cluster;

/// <summary>
/// The RabbitMQ of a cluster. Each module is a user of its own, who writes the module's stream and nothing else: whoever could write
/// Identity's would make operators.
/// </summary>
internal sealed class ClusterBroker(ClusterFolder folder)
{
    private string Home => Path.Combine(folder.Root, "rabbitmq");

    /// <summary>Its process, if it runs.</summary>
    internal int? ProcessId => PrivateRabbit.ProcessOf(Home);

    /// <summary>The file of a module's password.</summary>
    internal static string PasswordFile(ClusterFolder folder, string module) => folder.Secret($"broker-{module}");

    /// <summary>Before anything is started.</summary>
    /// <exception cref="SetupException">There is no RabbitMQ.</exception>
    internal static void CheckInstalled()
    {
        if (!PrivateRabbit.IsInstalled)
            throw new SetupException("RabbitMQ was not found. Install it (apt-get install rabbitmq-server; dnf install rabbitmq-server; "
                + "brew install rabbitmq), or join the modules by one database: --broker none.");
    }

    /// <summary>Starts it if it does not run; answers the port, and <c>Boon:Broker:Url</c> of each module.</summary>
    internal async Task<(int Port, IReadOnlyDictionary<string, string> Urls)> EnsureAsync(
        int port, Action<string> say, CancellationToken ct)
    {
        var users = BoonHost.AllModules.ToDictionary(module => module.Name, module => RabbitUser.OfModule(
            module.Name, File.ReadAllText(folder.KeepSecret($"broker-{module.Name}", BoonCluster.NewPassword)).Trim(), SourcesOf(module)));
        var rabbit = await PrivateRabbit.StartAsync(new PrivateRabbitOptions(Home, [.. users.Values]) { Port = port }, say, ct);
        return (rabbit.Port, users.ToDictionary(one => one.Key, one => rabbit.Url(one.Value.Name)));
    }

    /// <summary>Whether it takes logins.</summary>
    internal Task<bool> AnswersAsync(CancellationToken ct) => PrivateRabbit.AnswersAsync(Home, ct);

    /// <summary>Stops it, if it runs.</summary>
    internal Task StopAsync() => PrivateRabbit.StopAsync(Home, CancellationToken.None);

    /// <summary>The modules whose logs a module reads: those of its subscriptions, and the one that every process reads.</summary>
    internal static IEnumerable<string> SourcesOf(IModule module) => module.Subscriptions
        .SelectMany(subscription => subscription.Sources == Subscription.EveryOther
            ? BoonHost.AllModules.Select(other => other.Name) : subscription.Sources)
        .Append(LogPlaces.Everywhere).Where(source => source != module.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
}
