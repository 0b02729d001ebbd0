using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Boon.Platform.Log;
using Microsoft.Extensions.Hosting;

namespace Boon.Gateway.Routing;

/// <summary>Knows which processes are ready, tells the log when one goes or comes back, and shows it in the metrics.</summary>
internal sealed partial class BackendWatch : BackgroundService
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);
    private readonly IProxyStateLookup proxies;
    private readonly Backends backends;
    private readonly TimeProvider time;
    private readonly ILogger<BackendWatch> logger;
    private readonly ConcurrentDictionary<string, bool> seen = new(StringComparer.Ordinal);

    public BackendWatch(IProxyStateLookup proxies, Backends backends, TimeProvider time, ILogger<BackendWatch> logger)
    {
        (this.proxies, this.backends, this.time, this.logger) = (proxies, backends, time, logger);
        LogMetrics.Meter.CreateObservableGauge(
            "boon_gateway_backend_ready",
            () => All().Select(one =>
                new Measurement<int>(IsReady(one.Process) ? 1 : 0, new("backend", one.Backend), new("address", one.Process.DestinationId))),
            description: "1 for a process whose /health/ready answers 200, as this gateway saw it last; 0 otherwise.");
    }

    /// <summary>The modules that have had no process that was ready since this gateway started.</summary>
    internal IReadOnlyList<string> ModulesNotSeen =>
        [.. backends.All.Where(backend => !seen.ContainsKey(backend.Name)).SelectMany(backend => backend.Modules)];

    private static bool IsReady(DestinationState process) => process.Health.Active == DestinationHealth.Healthy;

    private IEnumerable<(string Backend, DestinationState Process)> All() =>
        proxies.GetClusters()
            .SelectMany(cluster => cluster.DestinationsState.AllDestinations.Select(process => (cluster.ClusterId, process)));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        var before = new Dictionary<(string, string), DestinationHealth>();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var now = All().ToDictionary(one => (one.Backend, one.Process.DestinationId), one => one.Process.Health.Active);
            foreach (var (key, health) in now)
            {
                var (backend, address) = key;
                if (health == DestinationHealth.Healthy)
                    seen[backend] = true;
                if (health == before.GetValueOrDefault(key, DestinationHealth.Unknown))
                    continue;
                if (health == DestinationHealth.Unhealthy)
                    LogAway(logger, address, backend);
                else if (before.GetValueOrDefault(key) == DestinationHealth.Unhealthy)
                    LogBack(logger, address, backend);
            }
            before = now; // an address that the DNS has no more is forgotten
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Address} of {Backend} is not ready: it gets no requests while others are",
        EventName = "backend-away")]
    private static partial void LogAway(ILogger logger, string address, string backend);

    [LoggerMessage(2, LogLevel.Information, "{Address} of {Backend} is ready again", EventName = "backend-back")]
    private static partial void LogBack(ILogger logger, string address, string backend);
}
