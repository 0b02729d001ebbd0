using Boon.Platform.Web.Idempotency;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Data;

/// <summary>Deletes a module's idempotency keys once their 24 hours are over, a bounded number at a time.</summary>
internal sealed partial class Housekeeping(ModuleDatabase database, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);
    private const int Most = 10_000;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await using var command = database.Source.CreateCommand($"""
                    delete from {database.Schema}.idempotency_keys where ctid = any (array(
                        select ctid from {database.Schema}.idempotency_keys
                        where created_at < now() - interval '{IdempotencyClaim.KeptFor}' limit {Most}))
                    """);
                await command.ExecuteNonQueryAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, database.Module, error.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Old idempotency keys of {Module} stay until the next try: {Error}", EventName = "housekeeping-failed")]
    private static partial void LogFailed(ILogger logger, string module, string error);
}
