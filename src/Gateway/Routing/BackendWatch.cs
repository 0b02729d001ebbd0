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

    public BackendWatch(IProxyStateLookup proxies, Backends backends, TimeProvider time, ILogger<BackendWatch> logger)
    {
        (this.proxies, this.backends, this.time, this.logger) = (proxies, backends, time, logger);
        LogMetrics.Meter.CreateObservableGauge(
            "boon_gateway_backend_ready",
            () => All().Select(one =>
                new Measurement<int>(IsReady(one.Process) ? 1 : 0, new("backend", one.Backend), new("address", one.Process.DestinationId))),
            description: "1 for a process whose /health/ready answers 200, as this gateway saw it last; 0 otherwise.");
    }

    /// <summary>The modules that have no process that is ready.</summary>
    internal IReadOnlyList<string> ModulesAway =>
        [.. backends.All.Where(backend => !proxies.TryGetCluster(backend.Name, out var cluster)
            || !cluster.DestinationsState.AllDestinations.Any(IsReady)).SelectMany(backend => backend.Modules)];

    private static bool IsReady(DestinationState process) => process.Health.Active == DestinationHealth.Healthy;

    private IEnumerable<(string Backend, DestinationState Process)> All() =>
        proxies.GetClusters()
            .SelectMany(cluster => cluster.DestinationsState.AllDestinations.Select(process => (cluster.ClusterId, process)));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        var before = new Dictionary<(string, string), DestinationHealth>();
        while (await timer.WaitForNextTickAsync(stoppingToken))
            foreach (var (backend, process) in All())
            {
                var (key, now) = ((backend, process.DestinationId), process.Health.Active);
                if (now == before.GetValueOrDefault(key, DestinationHealth.Unknown))
                    continue;
                if (now == DestinationHealth.Unhealthy)
                    LogAway(logger, process.DestinationId, backend);
                else if (before.ContainsKey(key))
                    LogBack(logger, process.DestinationId, backend);
                before[key] = now;
            }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Address} of {Backend} is not ready: it gets no requests while others are",
        EventName = "backend-away")]
    private static partial void LogAway(ILogger logger, string address, string backend);

    [LoggerMessage(2, LogLevel.Information, "{Address} of {Backend} is ready again", EventName = "backend-back")]
    private static partial void LogBack(ILogger logger, string address, string backend);
}
