using System.Collections.Concurrent;
using Boon.Broker.PrivateRabbit;
using Boon.Host.Cluster;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>A cluster as <c>boon cluster</c> makes it, in a folder of its own, run from this process; everything ends with it.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    internal const string OperatorPassword = "operator of the cluster";
    private readonly string data;
    private readonly ConcurrentQueue<string> said = new();
    private Api? api;

    private LocalCluster(string data, ClusterPlan plan)
    {
        this.data = data;
        Plan = plan;
        Folder = new ClusterFolder(Path.Combine(data, "cluster"));
        Boon = new BoonCluster(Folder, said.Enqueue);
    }

    internal ClusterFolder Folder { get; }

    internal BoonCluster Boon { get; }

    /// <summary>What it is to be; tests change it.</summary>
    internal ClusterPlan Plan { get; set; }

    /// <summary>What it is.</summary>
    internal ClusterState State => Folder.ReadState()!;

    /// <summary>What the commands said.</summary>
    internal string Said => string.Join('\n', said);

    /// <summary>The gateway.</summary>
    internal Api Api => api ??= new Api(AddressOf(BoonCluster.Gateway));

    /// <summary>A cluster that is not started yet.</summary>
    internal static LocalCluster Create(
        string broker = ClusterPlan.NoBroker, int replicas = 1, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Boon:SignUp:PerAddress"] = "1000000000",
            ["Boon:Gateway:RequestsPerSecond"] = "1000000",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        var data = Directory.CreateTempSubdirectory("boon-local-").FullName;
        // PostgreSQL's user must get through it.
        File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);
        return new LocalCluster(data, new ClusterPlan("http://127.0.0.1:0", broker, replicas, all, OperatorPassword, null)
            { Program = [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Boon.FaultHost.dll"), "--fast-hash"] });
    }

    internal Task UpAsync() => Boon.UpAsync(Plan, CancellationToken.None);

    /// <summary>The process of a name; it must run.</summary>
    internal ProcessIdentity this[string name] =>
        Boon.Process(name).Running() ?? throw new InvalidOperationException($"{name} does not run.");

    /// <summary>The number of each process that runs.</summary>
    internal Dictionary<string, int> Pids() => Folder.Started().Select(name => (name, Boon.Process(name).Running()))
        .Where(one => one.Item2 is not null).ToDictionary(one => one.name, one => one.Item2!.Pid);

    /// <summary>SIGKILL, and its end.</summary>
    internal async Task KillAsync(string name)
    {
        var process = this[name];
        process.Kill();
        await Eventually.Holds($"the end of {name}", () => Task.FromResult(!process.IsAlive));
    }

    /// <summary>The number of PostgreSQL's first process, if it runs.</summary>
    internal int? Postmaster()
    {
        var file = Path.Combine(State.Postgres!, "data", "postmaster.pid");
        return File.Exists(file) && int.TryParse(File.ReadLines(file).First(), out var pid) && ProcessIdentity.BeganAt(pid) is not null
            ? pid : null;
    }

    /// <summary>Its RabbitMQ.</summary>
    internal ClusterBroker Broker => new(Folder);

    /// <summary>SIGKILL to RabbitMQ, and its end.</summary>
    internal async Task KillBrokerAsync()
    {
        RabbitProcess.Kill(Broker.ProcessId!.Value);
        await Eventually.Holds("the end of RabbitMQ", () => Task.FromResult(Broker.ProcessId is null));
    }

    private string AddressOf(string name) => BoonCluster.Address(State, name);

    public async ValueTask DisposeAsync()
    {
        api?.Dispose();
        await Boon.RemoveAsync(null);
        Directory.Delete(data, recursive: true);
    }
}
