using System.Buffers.Text;
using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Boon.Host.Cluster;
using Boon.Host.Demo;
using Boon.Platform;
using Boon.Platform.PrivatePostgres;
using Spectre.Console;

namespace Boon.Host.Commands;

/// <summary><c>boon demo</c>: the main job, on a fresh database of its own.</summary>
internal static class DemoCommand
{
    private const int DefaultPort = 5080;

    internal static Command Create()
    {
        var once = new Option<bool>("--once")
            { Description = "End after the report. The exit status is 0 only if every check in it holds." };
        var members = new Option<string?>("--members")
            { Description = "A CSV of people: username,email,phone,password,fullName,birthday (default: 250 that come with Boon).",
            HelpName = "FILE" };
        var urls = Cli.UrlsOption();
        var data = Cli.DataOption();
        var cluster = new Option<bool>("--cluster")
            { Description = "Show it with every module as a process of its own behind the gateway, as boon cluster up starts them." };
        var broker = ClusterCommand.BrokerOption();
        var command = new Command(
            "demo", "Shows Boon at work: the first 100 people who sign in get 30 % off. Then it serves until Ctrl-C.")
            { once, members, urls, data, cluster, broker };
        command.SetAction((result, ct) => result.GetValue(cluster)
            ? RunOnClusterAsync(result.GetValue(once), result.GetValue(members), result.GetValue(urls), result.GetValue(data),
                result.GetValue(broker) ?? ClusterPlan.RabbitMq, ct)
            : RunAsync(result.GetValue(once), result.GetValue(members), result.GetValue(urls), result.GetValue(data), ct));
        return command;
    }

    /// <summary>The same on a cluster of its own, which is gone with all its data when the demo ends.</summary>
    private static async Task<int> RunOnClusterAsync(
        bool once, string? file, string? urls, string? data, string broker, CancellationToken ct)
    {
        Cli.PlainWhenRedirected();
        var members = Member.Read(file ?? Path.Combine(AppContext.BaseDirectory, "Demo", "members.csv"));
        using var configuration = new ConfigurationManager();
        HostConfiguration.Load(configuration, settings: null, BoonHost.AllModules);
        var folder = Path.Combine(data ?? Settings.Data.Of(configuration), "demo", "cluster");
        var cluster = new BoonCluster(new ClusterFolder(folder), Console.WriteLine);
        using var turn = new ClusterFolder(folder + "-lock").Lock(); // one demo at a time
        var plan = ClusterPlan.Of(configuration, urls ?? Settings.Urls.Of(configuration) ?? FreeUrl(), broker, replicas: 1);
        var password = BoonCluster.NewPassword();
        plan = plan with
        {
            OperatorPassword = password,
            Settings = new Dictionary<string, string>(plan.Settings)
                // All its people come from here.
                { [Settings.SignUpsPerAddress.Key] = "1000000000", [Settings.GatewayRequestsPerSecond.Key] = "1000000" },
        };
        await cluster.RemoveAsync(plan.Binaries); // what a demo that was killed has left
        try
        {
            var url = BoonCluster.Address(await cluster.UpAsync(plan, ct), BoonCluster.Gateway);
            return await ShowAsync(url, $"{url}/metrics (the gateway's)", password, members, once, "all of it is removed", token =>
                Task.Delay(Timeout.InfiniteTimeSpan, token), ct);
        }
        finally
        {
            await cluster.RemoveAsync(plan.Binaries);
        }
    }

    private static async Task<int> RunAsync(bool once, string? file, string? urls, string? data, CancellationToken ct)
    {
        Cli.PlainWhenRedirected();
        var members = Member.Read(file ?? Path.Combine(AppContext.BaseDirectory, "Demo", "members.csv"));
        using var configuration = new ConfigurationManager();
        HostConfiguration.Load(configuration, settings: null, BoonHost.AllModules);
        var folder = Path.Combine(data ?? Settings.Data.Of(configuration), "demo");
        var server = Settings.Database.Of(configuration);
        await using var postgres = server is null
            ? await PrivatePostgres.StartAsync(
                new PrivatePostgresOptions(folder, Settings.PostgresBinaries.Of(configuration)), Console.WriteLine, ct)
            : null;
        await using var database = await DemoDatabase.CreateAsync(postgres?.ConnectionString ?? server!, ct);
        var password = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(12));
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:Boon"] = database.ConnectionString,
            ["Boon:Operator:Password"] = password,
            ["Boon:Migrate"] = "true",
            ["Boon:SignUp:PerAddress"] = "1000000000", // all its people come from here
        };
        // Nothing of the demo goes into a database that the settings name for a module.
        foreach (var module in BoonHost.AllModules)
            settings[$"ConnectionStrings:{module.Name}"] = database.ConnectionString;
        await using var host = await BoonHost.BuildAsync(
            new HostOptions(folder, urls ?? Settings.Urls.Of(configuration) ?? FreeUrl(), Quiet: true, Settings: settings), ct);
        await host.StartAsync(ct);
        Console.WriteLine($"Boon serves at {host.Url} on a fresh database.");

        return await ShowAsync(host.Url, $"{host.Url}/metrics", password, members, once, "the demo's database is dropped",
            host.WaitAsync, ct);
    }

    /// <summary>Runs the main job, says where everything is, and serves on.</summary>
    private static async Task<int> ShowAsync(string url, string metrics, string password, List<Member> members, bool once, string end,
        Func<CancellationToken, Task> wait, CancellationToken ct)
    {
        using var client = new DemoClient(url, FirstHundred.Connections);
        var held = await new FirstHundred(client, password, members).RunAsync(ct);
        AnsiConsole.MarkupLine(held ? "[green]Every check holds.[/]" : "[red]Some checks failed.[/]");
        Console.WriteLine($"""

            API      {url}/v1/...
            Docs     {url}/docs      (description: {url}/openapi/v1.json)
            Metrics  {metrics}
            Operator username operator, password {password}
            """);
        if (!once)
        {
            Console.WriteLine($"\nServing until Ctrl-C. Then {end}.");
            await wait(ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Console.WriteLine("Stopping...");
        }
        return held ? 0 : 1;
    }

    /// <summary>The usual address, or another port of this machine when that one is taken.</summary>
    private static string FreeUrl()
    {
        foreach (var port in (int[])[DefaultPort, 0])
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
            }
            catch (SocketException) when (port != 0)
            {
                // taken: let the system choose
            }
        throw new SetupException("No port of this machine is free.");
    }
}
