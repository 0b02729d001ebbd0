using System.CommandLine;
using Boon.Host.Cluster;
using Boon.Platform;

namespace Boon.Host.Commands;

/// <summary><c>boon cluster up|status|down</c>: every module as processes of its own, with the gateway, on this machine.</summary>
internal static class ClusterCommand
{
    internal static Command Create()
    {
        var data = new Option<string?>("--data")
            { Description = "The cluster is in the subfolder cluster of this folder (default .boon; setting Boon__Data)." };
        var urls = new Option<string?>("--urls")
            { Description = "Where the gateway listens (default http://127.0.0.1:5080; setting Boon__Urls)." };
        var broker = BrokerOption();
        var replicas = new Option<int>("--replicas")
        {
            Description = $"Processes of each module, 1 to {ClusterPlan.MostReplicas}.", HelpName = "N", DefaultValueFactory = _ => 1,
        };
        var up = new Command("up", "Starts what does not run, and replaces what is of another build or has other settings, one process "
            + "after the other. It returns when the gateway is ready.") { data, urls, broker, replicas };
        up.SetAction((result, ct) => UpAsync(result.GetValue(data), (configuration, folder) => ClusterPlan.Of(
            configuration, result.GetValue(urls), result.GetValue(broker) ?? folder.ReadState()?.Broker ?? ClusterPlan.RabbitMq,
            result.GetValue(replicas)), ct));
        var status = new Command("status", "Shows each process, where it is, and how far it is behind. The exit status is 0 only if all "
            + "are ready.") { data };
        status.SetAction((result, ct) => StatusAsync(result.GetValue(data), ct));
        var down = new Command("down", "Ends all of it, whatever has become of it. The data stays.") { data };
        down.SetAction((result, _) => DownAsync(result.GetValue(data)));
        return new Command("cluster", "Runs every module as processes of its own behind the gateway, on this machine: for development "
            + "and tests.") { up, status, down };
    }

    /// <summary>What joins the modules of a cluster.</summary>
    internal static Option<string?> BrokerOption()
    {
        var broker = new Option<string?>("--broker")
        {
            Description = "What joins the modules of a cluster. rabbitmq (the default): each has a database of its own, and reads the "
                + "logs of others over a RabbitMQ of the cluster. none: they share one database. A cluster that is there keeps its way.",
            HelpName = "NAME",
        };
        broker.AcceptOnlyFromAmong(ClusterPlan.NoBroker, ClusterPlan.RabbitMq);
        return broker;
    }

    private static async Task<int> UpAsync(string? data, Func<IConfiguration, ClusterFolder, ClusterPlan> plan, CancellationToken ct)
    {
        using var configuration = Configuration();
        var folder = Folder(configuration, data);
        ClusterState state;
        try
        {
            state = await new BoonCluster(folder, Console.WriteLine).UpAsync(plan(configuration, folder), ct);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("The cluster is not up. What has started runs on; boon cluster down ends it.");
            throw;
        }
        var url = BoonCluster.Address(state, BoonCluster.Gateway);
        Console.WriteLine($"""

            The cluster is up.
            API      {url}/v1/...
            Docs     {url}/docs
            Operator username operator, password in {ClusterSettings.OperatorPasswordFile(folder)}

            boon cluster status   shows its processes
            boon cluster down     ends them
            . {folder.Environment}   lets other commands work on it, such as boon dead-letters list
            """);
        return 0;
    }

    private static async Task<int> StatusAsync(string? data, CancellationToken ct)
    {
        using var configuration = Configuration();
        var folder = Folder(configuration, data);
        if (folder.ReadState() is not { } state)
        {
            Console.WriteLine($"There is no cluster in {folder.Root}.");
            return 1;
        }
        var all = true;
        foreach (var part in await ClusterStatus.LookAsync(folder, state, ct))
        {
            all &= part.Ready;
            var line = $"{part.Name,-14} {part.Pid?.ToString() ?? "-",-8} {part.Address,-28} {part.State,-18} {part.More}";
            Console.WriteLine(line.TrimEnd());
        }
        return all ? 0 : 1;
    }

    private static async Task<int> DownAsync(string? data)
    {
        using var configuration = Configuration();
        var folder = Folder(configuration, data);
        if (!folder.Exists)
        {
            Console.WriteLine($"There is no cluster in {folder.Root}.");
            return 0;
        }
        await new BoonCluster(folder, Console.WriteLine).DownAsync(Settings.PostgresBinaries.Of(configuration));
        Console.WriteLine($"Nothing of the cluster in {folder.Root} runs any more. Its data is there for the next boon cluster up.");
        return 0;
    }

    private static ConfigurationManager Configuration()
    {
        var configuration = new ConfigurationManager();
        HostConfiguration.Load(configuration, settings: null, BoonHost.AllModules);
        return configuration;
    }

    private static ClusterFolder Folder(ConfigurationManager configuration, string? data) =>
        new(Path.Combine(data ?? Settings.Data.Of(configuration), "cluster"));
}
