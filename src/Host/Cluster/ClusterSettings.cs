using System.Globalization;
using Boon.Identity;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>What each process of a cluster is told: its databases, where the others are, and its secrets, by their files.</summary>
/// <param name="folder">Where the files are.</param>
/// <param name="plan">What the cluster is to be.</param>
/// <param name="state">Where its processes are.</param>
/// <param name="broker"><c>Boon:Broker:Url</c> of each module; null: no broker.</param>
internal sealed class ClusterSettings(
    ClusterFolder folder, ClusterPlan plan, ClusterState state, IReadOnlyDictionary<string, string>? broker)
{
    private const string OperatorPassword = "operator-password";
    private const string ServicesSecret = "services";
    private const string OfFile = "_FILE";
    private static readonly IReadOnlyList<string> Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    /// <summary>The module that has the accounts.</summary>
    internal static readonly string Accounts = new IdentityModule().Name;

    /// <summary>Time for the gateway to look twice before a process stops to listen; one alone has nobody to hand over to.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(3);

    /// <summary>The file of the operator's password.</summary>
    internal static string OperatorPasswordFile(ClusterFolder folder) => folder.Secret(OperatorPassword);

    /// <summary>Writes what must not be seen, and what other commands need.</summary>
    internal void WriteSecrets(IReadOnlyDictionary<string, string> databases)
    {
        foreach (var (name, text) in databases)
            folder.WriteSecret(name, text);
        folder.KeepSecret(ServicesSecret, BoonCluster.NewPassword);
        folder.KeepSecret(OperatorPassword, () => plan.OperatorPassword ?? BoonCluster.NewPassword());
        var lines = Connections().Concat(broker is null ? [] : Others(Accounts)).Append(("Boon:Data", folder.Root)).Select(one =>
            $"export {one.Item1.Replace(":", "__", StringComparison.Ordinal)}="
                + $"'{one.Item2.Replace("'", @"'\''", StringComparison.Ordinal)}'");
        ClusterFolder.Write(folder.Environment,
            "# For other commands of Boon on this cluster: . this file, then boon dead-letters list\n" + string.Join('\n', lines) + "\n");
    }

    /// <summary>For commands in this process, which work on all modules.</summary>
    internal IReadOnlyDictionary<string, string?> OfCommand()
    {
        var all = new Dictionary<string, string?>(StringComparer.Ordinal) { ["ConnectionStrings:Boon"] = TextOf(Modules[0]) };
        foreach (var module in Modules)
            all[$"ConnectionStrings:{module}"] = TextOf(module);
        // What the caller's shell says of brokers is not about this cluster.
        all[Settings.BrokerUrl.Key] = all[Settings.BrokerPassword.Key] = "";
        if (broker is null)
            return all;
        foreach (var (key, value) in Others(Accounts))
            if (key.EndsWith(OfFile, StringComparison.Ordinal))
                all[key[..^OfFile.Length]] = File.ReadAllText(value).Trim();
            else
                all[key] = value;
        return all;
    }

    /// <summary>A process of a module.</summary>
    internal ProcessPlan Of(string process)
    {
        var module = ClusterPlan.ModuleOf(process);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Boon:Migrate"] = "false",
            ["Boon:Web:TrustedProxies:0"] = "127.0.0.1",
        };
        if (!plan.Settings.ContainsKey(Settings.DrainTime.Key))
            settings[Settings.DrainTime.Key] = (plan.Replicas == 1 ? TimeSpan.Zero : DrainTime).ToString("c", CultureInfo.InvariantCulture);
        foreach (var (key, value) in Others(module).Append(Connection(module)))
            settings[key] = value;
        if (module == Accounts)
            settings["Boon:Operator:Password_FILE"] = folder.Secret(OperatorPassword);
        return plan.Process(module, BoonCluster.Address(state, process), folder.Home(process), settings);
    }

    /// <summary>The gateway.</summary>
    internal ProcessPlan OfGateway()
    {
        var settings = Places();
        if (!plan.Settings.ContainsKey(Settings.DrainTime.Key))
            settings[Settings.DrainTime.Key] = TimeSpan.Zero.ToString("c", CultureInfo.InvariantCulture);
        return plan.Process(BoonCluster.Gateway, state.Urls, folder.Home(BoonCluster.Gateway), settings);
    }

    /// <summary>Where the processes of each module are.</summary>
    private Dictionary<string, string> Places() => Modules.ToDictionary(module => $"{Settings.GatewayModules.Key}:{module}",
        module => string.Join(',', plan.ProcessesOf(module).Select(process => BoonCluster.Address(state, process))));

    /// <summary>How a module, or a command as this module, reaches the others.</summary>
    private IEnumerable<(string Key, string Value)> Others(string module)
    {
        yield return (Settings.ServicesSecret.Key + OfFile, folder.Secret(ServicesSecret));
        foreach (var (key, place) in Places())
            yield return (key, place);
        if (broker is null)
            yield break;
        yield return (Settings.BrokerUrl.Key, broker[module]);
        yield return (Settings.BrokerPassword.Key + OfFile, ClusterBroker.PasswordFile(folder, module));
    }

    /// <summary>The databases of all modules.</summary>
    private IEnumerable<(string Key, string Value)> Connections() => Modules.Select(Connection).Distinct();

    /// <summary>The database of a module; where there is a broker, its processes know no other.</summary>
    private (string Key, string Value) Connection(string module) =>
        ($"ConnectionStrings:{(broker is null ? "Boon" : module)}{OfFile}", folder.Secret(DatabaseOf(module)));

    private string DatabaseOf(string module) => BoonCluster.DatabasesOf(plan.Broker) is [var one] ? one : $"boon_{module}";

    private string TextOf(string module) => File.ReadAllText(folder.Secret(DatabaseOf(module))).Trim();
}
