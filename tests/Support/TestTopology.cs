using System.Net;
using System.Net.Sockets;
using Boon.Host;
using Boon.Platform.Subscriptions;
using Npgsql;

namespace Boon.Support;

/// <summary>
/// How the host of a test is spread: <c>BOON_TEST_TOPOLOGY</c>. A test talks to the address that it is given, and does not know.
/// </summary>
public enum Topology
{
    /// <summary>One process: the host in the test's own.</summary>
    One,

    /// <summary>Three processes of all modules behind the gateway (<c>replicas</c>): one of them is the test's own.</summary>
    Replicas,

    /// <summary>A process and a database for each module, behind the gateway (<c>services</c>): Identity is in the test's own.</summary>
    Services,
}

/// <summary>The processes of a topology besides the host in the test's own process, and the gateway before all of them.</summary>
internal sealed class TestTopology : IAsyncDisposable
{
    private const int OtherReplicas = 2;
    private const string Identity = "identity";
    private static readonly string[] Modules = [.. BoonHost.AllModules.Select(module => module.Name)];
    private readonly List<BoonProcess> processes = [];
    private readonly List<string> folders = [];
    private readonly Dictionary<string, string> databases = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> places = new(StringComparer.Ordinal);

    /// <summary>What each other process runs (null: all modules), and where.</summary>
    private readonly List<(string? Module, string Url)> others;

    private TestTopology()
    {
        var services = Asked == Topology.Services;
        others = services ? [.. Modules.Where(module => module != Identity).Select(module => ((string?)module, FreeUrl()))]
            : [.. Enumerable.Range(0, OtherReplicas).Select(_ => ((string?)null, FreeUrl()))];
        if (services)
            foreach (var (module, url) in others.Prepend((Identity, Own)))
                places[$"Boon:Gateway:Modules:{module}"] = url;
        else
            places["Boon:Gateway:Modules"] = string.Join(',', others.Select(other => other.Url).Append(Own));
    }

    /// <summary>What this run is for.</summary>
    internal static Topology Asked { get; } = Environment.GetEnvironmentVariable("BOON_TEST_TOPOLOGY") switch
    {
        null or "" => Topology.One,
        "replicas" => Topology.Replicas,
        "services" => Topology.Services,
        var other => throw new InvalidOperationException($"BOON_TEST_TOPOLOGY is {other}; it can be replicas or services."),
    };

    /// <summary>Where the test's own host is to listen.</summary>
    internal string Own { get; } = FreeUrl();

    /// <summary>The gateway's address, once started.</summary>
    internal string Gateway { get; private set; } = "";

    /// <summary>The database of a module, where each has its own; else null.</summary>
    internal string? DatabaseOf(string module) => databases.GetValueOrDefault(module);

    /// <summary>The modules that the test's own host runs; null: all.</summary>
    internal static string[]? OwnModules => Asked == Topology.Services ? [Identity] : null;

    /// <summary>Chooses addresses and makes databases: the first is Identity's. Settings of all processes are added.</summary>
    internal static async Task<TestTopology> PrepareAsync(string first, Dictionary<string, string?> settings)
    {
        var topology = new TestTopology();
        settings["Boon:Web:TrustedProxies:0"] = "127.0.0.1";
        if (Asked != Topology.Services)
            return topology;
        foreach (var module in Modules)
        {
            topology.databases[module] = module == Identity ? first : await TestServer.CreateDatabaseAsync();
            settings[$"ConnectionStrings:{module}"] = topology.databases[module];
        }
        settings.Remove("ConnectionStrings:Boon");
        settings["Boon:Services:Secret"] = "what-the-services-of-this-test-show-each-other";
        foreach (var (key, place) in topology.places)
            settings[key] = place;
        return topology;
    }

    /// <summary>Starts all others, with the settings of the test's own host, and waits for the gateway.</summary>
    internal async Task StartAsync(IReadOnlyDictionary<string, string?> settings)
    {
        var all = settings.Where(one => one.Value is not null).ToDictionary(one => one.Key, one => one.Value!);
        all["Boon:Log:Level"] = "Warning";
        foreach (var (module, url) in others)
            Start(all, url, module);
        foreach (var process in processes)
            await process.Serving();
        Start(new Dictionary<string, string>(places)
            { ["Boon:Gateway:RequestsPerSecond"] = "1000000", ["Boon:Log:Level"] = "Warning" }, "http://127.0.0.1:0", BoonHost.GatewayName);
        Gateway = await processes[^1].Serving();
        using var api = new Api(Gateway);
        await Eventually.Holds("the gateway to be ready", async () => (await api.Get("/health/ready")).Code == 200);
    }

    /// <summary>
    /// Nothing is left to do: every event has its number, and every checkpoint stands at its source's head, which did not move meanwhile.
    /// </summary>
    internal async Task<bool> IsQuietAsync()
    {
        var before = await HeadsAsync();
        foreach (var module in BoonHost.AllModules)
        {
            await using var source = NpgsqlDataSource.Create(TestServer.ForTest(databases[module.Name]));
            foreach (var subscription in module.Subscriptions)
                foreach (var from in subscription.Sources == Subscription.EveryOther ? Modules.Where(other => other != module.Name)
                    : subscription.Sources)
                {
                    await using var command = source.CreateCommand($"""
                        select coalesce(min(sequence), -1) from {module.Name}.checkpoints where subscription = $1 and source = $2
                        """);
                    command.Parameters.Add(new() { Value = subscription.Name });
                    command.Parameters.Add(new() { Value = from });
                    if ((long)(await command.ExecuteScalarAsync())! < before[from])
                        return false;
                }
        }
        var after = await HeadsAsync();
        return before.All(head => after[head.Key] == head.Value);
    }

    /// <summary>The head of each log; beyond all sequences where events have no number yet.</summary>
    private async Task<Dictionary<string, long>> HeadsAsync()
    {
        var heads = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (module, database) in databases)
        {
            await using var source = NpgsqlDataSource.Create(TestServer.ForTest(database));
            await using var command = source.CreateCommand($"""
                select case when exists (select from {module}.event_log l
                    where not exists (select from {module}.event_order o where o.position = l.position)) then {long.MaxValue} else last end
                from {module}.log_head
                """);
            heads[module] = (long)(await command.ExecuteScalarAsync())!;
        }
        return heads;
    }

    private void Start(IReadOnlyDictionary<string, string> settings, string url, string? modules)
    {
        var folder = Directory.CreateTempSubdirectory("boon-topology-").FullName;
        folders.Add(folder);
        var environment = settings.ToDictionary(one => one.Key.Replace(":", "__", StringComparison.Ordinal), one => one.Value);
        processes.Add(BoonProcess.Start(environment, ["--fast-hash", "--patient", "serve", "--urls", url, "--data", folder,
            .. modules is null ? (string[])[] : ["--modules", modules]]));
    }

    private static string FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
            await process.DisposeAsync();
        foreach (var folder in folders)
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Drops the databases that it made, once nobody is in them.</summary>
    internal async Task DropDatabasesAsync()
    {
        foreach (var (module, database) in databases)
            if (module != Identity)
                await TestServer.DropDatabaseAsync(database);
    }
}
