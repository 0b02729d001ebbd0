using System.Globalization;
using Boon.Identity;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>What each process of a cluster is told: its databases, where the others are, and its secrets, by their files.</summary>
internal sealed class ClusterSettings(ClusterFolder folder, ClusterPlan plan, ClusterState state)
{
    private const string OperatorPassword = "operator-password";
    private const string ServicesSecret = "services";
    private static readonly IReadOnlyList<string> Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    /// <summary>The module that has the accounts.</summary>
    private static readonly string Accounts = new IdentityModule().Name;

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
        var lines = Connections().Append(("Boon:Data", folder.Root)).Select(one =>
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
        settings["Boon:Services:Secret_FILE"] = folder.Secret(ServicesSecret);
        foreach (var (key, place) in Places())
            settings[key] = place;
        foreach (var (key, file) in Connections())
            settings[key] = file;
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

    private IEnumerable<(string, string)> Connections() => plan.Broker == ClusterPlan.NoBroker
        ? [("ConnectionStrings:Boon_FILE", folder.Secret(DatabaseOf(Modules[0])))]
        : Modules.Select(module => ($"ConnectionStrings:{module}_FILE", folder.Secret(DatabaseOf(module))));

    private string DatabaseOf(string module) => BoonCluster.DatabasesOf(plan.Broker) is [var one] ? one : $"boon_{module}";

    private string TextOf(string module) => File.ReadAllText(folder.Secret(DatabaseOf(module))).Trim();
}
