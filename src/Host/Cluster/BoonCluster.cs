using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>
/// A whole Boon on one machine: PostgreSQL, processes of each module, and the gateway. Each command brings it to what it is to be, from
/// whatever is there: what is well stays, what is dead is started, what is another is replaced, one process after the other.
/// </summary>
internal sealed class BoonCluster(ClusterFolder folder, Action<string> say)
{
    internal const string Gateway = BoonHost.GatewayName;
    internal const string Postgres = "postgres";
    internal const string Rabbit = "rabbitmq";
    private const string OneDatabase = "boon";
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly IReadOnlyList<string> Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    /// <summary>The processes of a cluster that is up, and where they are.</summary>
    internal static IEnumerable<string> ProcessesOf(ClusterState state) =>
        Modules.SelectMany(module => Enumerable.Range(1, state.Replicas).Select(number => $"{module}-{number}"));

    /// <summary>The databases of a cluster: of each module, or one.</summary>
    internal static IReadOnlyList<string> DatabasesOf(string broker) =>
        broker == ClusterPlan.NoBroker ? [OneDatabase] : [.. Modules.Select(module => $"boon_{module}")];

    /// <summary>Where a process of the cluster answers.</summary>
    internal static string Address(ClusterState state, string process) =>
        process == Gateway ? LocalAddress(state.Urls) : $"http://127.0.0.1:{state.Ports[process]}";

    /// <summary>Brings it up; returns when the gateway says that it is ready.</summary>
    internal async Task<ClusterState> UpAsync(ClusterPlan plan, CancellationToken ct)
    {
        using var turn = folder.Lock();
        var before = folder.ReadState();
        if (before is not null && before.Broker != plan.Broker)
            throw new SetupException($"The cluster in {folder.Root} was made with --broker {before.Broker}, and its data is where that "
                + $"puts it. Go on with it, or name another folder with --data.");
        if (plan.Broker == ClusterPlan.RabbitMq)
            ClusterBroker.CheckInstalled();
        var state = Place(plan, before);
        CheckGatewayAddress(state);
        folder.Write(state);
        say($"The cluster in {folder.Root}: {Modules.Count} modules, {plan.Replicas} process(es) of each, "
            + (plan.Broker == ClusterPlan.NoBroker ? "one database." : $"a database for each, joined by {plan.Broker}."));

        var names = ProcessesOf(state).ToList();
        var running = folder.Started().Any(name => Process(name).Running() is not null);
        var size = ClusterSize.Of(names.Count);
        var (texts, home) = await new ClusterDatabases(folder, plan.Binaries, state.Ports[Postgres])
            .EnsureAsync(DatabasesOf(plan.Broker), size, running, say, ct);
        state = state with { Postgres = home };
        folder.Write(state);
        say($"PostgreSQL runs; {size.Pool} connections for each process, {size.All} together.");
        IReadOnlyDictionary<string, string>? broker = null;
        if (plan.Broker == ClusterPlan.RabbitMq)
        {
            (var port, broker) = await new ClusterBroker(folder).EnsureAsync(state.Ports[Rabbit], say, ct);
            state = state with { Ports = new Dictionary<string, int>(state.Ports) { [Rabbit] = port } };
            folder.Write(state);
            say("RabbitMQ runs, with a user for each module.");
        }
        var settings = new ClusterSettings(folder, plan, state, broker);
        settings.WriteSecrets(texts);
        await MigrateAsync(settings, ct);
        var plans = names.ToDictionary(name => name, settings.Of);
        await StartMissingAsync(plans, state, ct);
        await ReplaceOthersAsync(plans, state, ct);
        await GatewayAsync(settings.OfGateway(), state, ct);
        foreach (var surplus in folder.Started().Where(name => name != Gateway && !plans.ContainsKey(name)).Select(Process))
            if (surplus.Running() is not null)
            {
                say($"{surplus.Name} is not needed any more.");
                await surplus.StopAsync();
            }
        return state;
    }

    /// <summary>Ends all of it. The data stays.</summary>
    internal async Task DownAsync(string? binaries)
    {
        using var turn = folder.Lock();
        // The gateway first: what it has taken is served to its end.
        await StopAsync(folder.Started().Where(name => name == Gateway));
        await StopAsync(folder.Started());
        await new ClusterBroker(folder).StopAsync();
        await new ClusterDatabases(folder, binaries).StopAsync();
    }

    /// <summary>Ends all of it, and removes it with its data.</summary>
    internal async Task RemoveAsync(string? binaries)
    {
        if (!folder.Exists)
            return;
        var postgres = folder.ReadState()?.Postgres;
        await DownAsync(binaries);
        if (postgres is not null && Directory.Exists(postgres))
            Directory.Delete(postgres, recursive: true);
        Directory.Delete(folder.Root, recursive: true);
    }

    private Task StopAsync(IEnumerable<string> names) => Task.WhenAll(names.Select(async name =>
    {
        var process = Process(name);
        var ran = process.Running() is not null;
        await process.StopAsync();
        if (ran)
            say($"{name} has ended.");
    }));

    internal ClusterProcess Process(string name) => new(folder, name);

    /// <summary>Gives each process a port: that of last time, unless somebody else is there.</summary>
    private ClusterState Place(ClusterPlan plan, ClusterState? before)
    {
        var known = before?.Ports ?? new Dictionary<string, int>(StringComparer.Ordinal);
        var asked = plan.Urls.Split(';')[0];
        var gateway = PortOf(asked);
        if (gateway == 0)
            gateway = known.GetValueOrDefault(Gateway);
        var free = new FreePorts(gateway);
        foreach (var port in known.Values.Append(gateway))
            free.Keep(port);
        var ports = new Dictionary<string, int>(StringComparer.Ordinal) { [Gateway] = gateway == 0 ? free.Take() : gateway };
        ports[Postgres] = known.TryGetValue(Postgres, out var server) ? server : free.Take();
        if (plan.Broker == ClusterPlan.RabbitMq)
            ports[Rabbit] = known.TryGetValue(Rabbit, out var broker) && (new ClusterBroker(folder).ProcessId is not null
                || FreePorts.IsFree(IPAddress.Loopback, broker)) ? broker : free.Take();
        foreach (var name in Modules.SelectMany(plan.ProcessesOf))
            ports[name] = known.TryGetValue(name, out var last) && (Process(name).Running() is not null
                || FreePorts.IsFree(IPAddress.Loopback, last)) ? last : free.Take();
        var urls = plan.Urls.Replace(asked, asked.EndsWith(":0", StringComparison.Ordinal) ? asked[..^1] + ports[Gateway] : asked,
            StringComparison.Ordinal);
        return new ClusterState(plan.Broker, plan.Replicas, urls, ports, before?.Postgres);
    }

    /// <summary>Before anything is started: what else could be there would only be seen at the end.</summary>
    private void CheckGatewayAddress(ClusterState state)
    {
        if (Process(Gateway).Running() is not null)
            return;
        foreach (var url in state.Urls.Split(';'))
        {
            var address = Uri.TryCreate(url, UriKind.Absolute, out var uri) && IPAddress.TryParse(uri.Host.Trim('[', ']'), out var ip)
                ? ip : uri?.Host == "localhost" ? IPAddress.Loopback : IPAddress.Any;
            if (!FreePorts.IsFree(address, PortOf(url)))
                throw new SetupException($"The gateway cannot listen at {url}: another program does. Choose another address with --urls.");
        }
    }

    private async Task MigrateAsync(ClusterSettings settings, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(
            new HostOptions(folder.Root, Quiet: true, Settings: settings.OfCommand()), ct);
        var applied = await host.MigrateAsync(ct);
        if (applied.Count > 0)
            say($"Applied {applied.Count} migrations.");
    }

    private async Task StartMissingAsync(Dictionary<string, ProcessPlan> plans, ClusterState state, CancellationToken ct)
    {
        var missing = plans.Where(one => Process(one.Key).Running() is null).ToList();
        if (missing.Count > 0)
            say($"Starting {missing.Count} process(es)...");
        await Task.WhenAll(missing.Select(one => StartAsync(one.Key, one.Value, state, ct)));
        // Those that were there before may be new enough not to be ready yet.
        foreach (var name in plans.Keys)
            await ReadyAsync(Process(name), Address(state, name), ct);
    }

    /// <summary>One after the other, each when the one before it is ready: with two processes of a module, no request fails.</summary>
    private async Task ReplaceOthersAsync(Dictionary<string, ProcessPlan> plans, ClusterState state, CancellationToken ct)
    {
        foreach (var (name, plan) in plans.Where(one => !Process(one.Key).Is(one.Value)))
        {
            say($"{name} is of another build or has other settings: replacing it...");
            await Process(name).StopAsync();
            await StartAsync(name, plan, state, ct);
        }
    }

    private async Task GatewayAsync(ProcessPlan plan, ClusterState state, CancellationToken ct)
    {
        var gateway = Process(Gateway);
        if (gateway.Running() is not null && !gateway.Is(plan))
            await gateway.StopAsync();
        if (gateway.Running() is null)
            await StartAsync(Gateway, plan, state, ct);
        else
            await ReadyAsync(gateway, Address(state, Gateway), ct);
    }

    private async Task StartAsync(string name, ProcessPlan plan, ClusterState state, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Process(name).StartAsync(plan, ct);
        await ReadyAsync(Process(name), Address(state, name), ct);
        say($"{name,-14} {Address(state, name)}  ready after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s");
    }

    /// <summary>Waits until a process says that it is ready.</summary>
    private static async Task ReadyAsync(ClusterProcess process, string address, CancellationToken ct)
    {
        using var probe = new ClusterProbe();
        var began = TimeProvider.System.GetTimestamp();
        while (await probe.HealthAsync(address, ct) is { Ready: false } seen)
        {
            if (process.Running() is null)
                throw new SetupException($"{process.Name} has ended. Its last words, in {process.Output}:\n{process.LastWords()}");
            if (TimeProvider.System.GetElapsedTime(began) > LongestStart)
                throw new SetupException($"{process.Name} is not ready after {LongestStart.TotalMinutes:0} minutes ({seen.Said}). Its last "
                    + $"words, in {process.Output}:\n{process.LastWords()}");
            await Task.Delay(Poll, ct);
        }
    }

    /// <summary>How this machine reaches the first address that somebody listens at.</summary>
    private static string LocalAddress(string urls)
    {
        var url = urls.Split(';')[0];
        foreach (var any in (string[])["*", "+", "0.0.0.0", "[::]"])
            url = url.Replace($"://{any}", "://127.0.0.1", StringComparison.Ordinal);
        return url.TrimEnd('/');
    }

    private static int PortOf(string url) => new Uri(LocalAddress(url)).Port;

    /// <summary>A password that nobody has guessed.</summary>
    internal static string NewPassword() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
}
