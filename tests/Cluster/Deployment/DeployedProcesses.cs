using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Boon.Support;

namespace Boon.Cluster.Deployment;

/// <summary>
/// Containers of rendered manifests as plain processes of this machine: the same arguments, and the same variables but for what a cluster
/// gives a pod. Each has an address of its own in 127.0.0.0/8 (their network) and listens on the same two ports. The name <c>boon</c> in
/// the gateway's settings stands for those of the servers. The folders of data and secrets are of this machine.
/// </summary>
internal sealed class DeployedProcesses : IAsyncDisposable
{
    private const string PodNetwork = "10.0.0.0/8";
    private readonly Manifests manifests;
    private readonly string secrets;
    private readonly (int Http, int Management) ports = FreePorts();
    private readonly List<BoonProcess> processes = [];
    private readonly List<string> folders = [];
    private int addresses;

    internal DeployedProcesses(Manifests manifests, string secrets) => (this.manifests, this.secrets) = (manifests, secrets);

    private List<string> Servers { get; } = [];

    /// <summary>Starts a workload's container; <paramref name="servers"/>: the name <c>boon</c> stands for it too.</summary>
    internal BoonProcess Start(string kind, string name, bool servers = false)
    {
        var container = manifests.One(kind, name).List("spec.template.spec.containers").Single();
        var address = $"127.0.0.{++addresses + 10}";
        if (servers)
            Servers.Add(address);
        var folder = Directory.CreateTempSubdirectory("boon-pod-").FullName;
        folders.Add(folder);
        var variables = manifests.VariablesOf(container).Select(variable => $"{variable.Key}={Here(variable.Value, address)}");
        var process = BoonProcess.StartProgram(
            "env",
            ["--chdir", folder, .. variables, $"Boon__Data={folder}", "dotnet", Path.Combine(AppContext.BaseDirectory, "Boon.Host.dll"),
            .. container.List("args").Select(argument => argument.ToString())]);
        processes.Add(process);
        return process;
    }

    private string Here(string value, string address) => value switch
    {
        PodNetwork => "127.0.0.0/8",
        "http://boon:8080" => string.Join(',', Servers.Select(server => $"http://{server}:{ports.Http}")),
        "http://*:8080" => $"http://{address}:{ports.Http}",
        "http://*:8081" => $"http://{address}:{ports.Management}",
        "8081" => $"{ports.Management}",
        _ => value.Replace("/run/secrets/boon", secrets, StringComparison.Ordinal),
    };

    private static (int Http, int Management) FreePorts()
    {
        using var http = new TcpListener(IPAddress.Loopback, 0);
        using var management = new TcpListener(IPAddress.Loopback, 0);
        http.Start();
        management.Start();
        return (((IPEndPoint)http.LocalEndpoint).Port, ((IPEndPoint)management.LocalEndpoint).Port);
    }

    /// <summary>The status of a probe of a workload's container, at the process that serves at an address.</summary>
    internal async Task<int> ProbeAsync(string name, string probe, string url)
    {
        JsonNode container = manifests.One("Deployment", name).List("spec.template.spec.containers").Single();
        using var management = new Api($"http://{new Uri(url).Host}:{ports.Management}");
        return (await management.Get(container.Text($"{probe}.httpGet.path"))).Code;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
            await process.DisposeAsync();
        foreach (var folder in folders)
            Directory.Delete(folder, recursive: true);
    }
}
