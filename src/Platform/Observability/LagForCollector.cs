using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Observability;

/// <summary>Reads the lag now and then, because a collector gets metrics without asking for them.</summary>
internal sealed partial class LagForCollector(LogLag lag, TimeProvider time, ILogger<LagForCollector> logger) : BackgroundService
{
    /// <summary>The exporter sends once a minute, unless it is told otherwise.</summary>
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(15);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(BetweenReads, time);
        do
            try
            {
                await lag.RefreshAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, error.Message);
            }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not read how far the lanes are behind; trying again: {Error}", EventName = "lag-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
