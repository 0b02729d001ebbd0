namespace Boon.Host.Cluster;

/// <summary>How a part of a cluster is.</summary>
/// <param name="Name">A process, or postgres.</param>
/// <param name="Pid">Its number, while it runs.</param>
/// <param name="Address">Where it is.</param>
/// <param name="Ready">Whether it serves.</param>
/// <param name="State">The same in words.</param>
/// <param name="More">What else there is to say.</param>
internal sealed record PartStatus(string Name, int? Pid, string Address, bool Ready, string State, string More);

/// <summary>Looks at all parts of a cluster.</summary>
internal static class ClusterStatus
{
    internal static async Task<IReadOnlyList<PartStatus>> LookAsync(ClusterFolder folder, ClusterState state, CancellationToken ct)
    {
        using var probe = new ClusterProbe();
        var processes = await Task.WhenAll(BoonCluster.ProcessesOf(state).Prepend(BoonCluster.Gateway)
            .Select(name => LookAsync(folder, state, name, probe, ct)));
        IEnumerable<PartStatus> broker = state.Broker == ClusterPlan.RabbitMq ? [await RabbitAsync(folder, state, ct)] : [];
        return [await PostgresAsync(folder, state, ct), .. broker, .. processes];
    }

    private static async Task<PartStatus> LookAsync(
        ClusterFolder folder, ClusterState state, string name, ClusterProbe probe, CancellationToken ct)
    {
        var address = BoonCluster.Address(state, name);
        if (new ClusterProcess(folder, name).Running() is not { } process)
            return new PartStatus(name, null, address, false, "does not run", "");
        var (ready, said) = await probe.HealthAsync(address, ct);
        var lag = ready && name != BoonCluster.Gateway ? await probe.LagAsync(address, ct) : null;
        return new PartStatus(name, process.Pid, address, ready, said, lag is { } behind ? $"{behind} events behind" : "");
    }

    private static async Task<PartStatus> PostgresAsync(ClusterFolder folder, ClusterState state, CancellationToken ct)
    {
        var secret = folder.Secret(BoonCluster.DatabasesOf(state.Broker)[0]);
        var text = File.Exists(secret) ? await File.ReadAllTextAsync(secret, ct) : null;
        var seen = text is null ? null : await ClusterDatabases.ConnectionsAsync(text, ct);
        var port = text is null ? 0 : new Npgsql.NpgsqlConnectionStringBuilder(text).Port;
        var pid = Pid(state);
        return new PartStatus(BoonCluster.Postgres, pid, $"127.0.0.1:{port}", seen is not null, StateOf(seen is not null, pid),
            seen is { } found ? $"{found.Open} of {found.Most} connections" : "");
    }

    private static async Task<PartStatus> RabbitAsync(ClusterFolder folder, ClusterState state, CancellationToken ct)
    {
        var broker = new ClusterBroker(folder);
        var process = broker.ProcessId;
        var ready = process is not null && await broker.AnswersAsync(ct);
        return new PartStatus(BoonCluster.Rabbit, process, $"127.0.0.1:{state.Ports[BoonCluster.Rabbit]}", ready,
            StateOf(ready, process), "");
    }

    /// <summary>Of a server: a busy machine is no dead one.</summary>
    private static string StateOf(bool ready, int? process) => ready ? "ready" : process is null ? "does not run" : "slow to answer";

    private static int? Pid(ClusterState state)
    {
        if (state.Postgres is null)
            return null;
        try
        {
            var pid = int.Parse(File.ReadLines(Path.Combine(state.Postgres, "data", "postmaster.pid")).First());
            return ProcessIdentity.BeganAt(pid) is null ? null : pid;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
