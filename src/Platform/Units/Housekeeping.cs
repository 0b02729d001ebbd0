using Boon.Platform.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Units;

/// <summary>
/// Deletes a module's idempotency keys once their 24 hours are over, and redriven dead letters after <c>Boon:DeadLetters:Retention</c>:
/// page by page until there are none.
/// </summary>
internal sealed partial class Housekeeping(
    ModuleDatabase database, IConfiguration configuration, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    private readonly TimeSpan lettersKeptFor = Settings.DeadLetterRetention.Of(configuration);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        database.Loops.EveryAsync(
            Interval, time, () => RunAsync(stoppingToken), error => LogFailed(logger, database.Module, error.Message), stoppingToken);

    internal async Task RunAsync(CancellationToken ct)
    {
        await OldRows.DeleteAsync(database.Background, $"{database.Schema}.idempotency_keys", "created_at", IdempotencyClaim.KeptFor, ct);
        await OldRows.DeleteAsync(database.Background, $"{database.Schema}.dead_letters", "redriven_at", lettersKeptFor, ct);
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not delete old idempotency keys and dead letters of {Module}; trying again later: {Error}",
        EventName = "housekeeping-failed")]
    private static partial void LogFailed(ILogger logger, string module, string error);
}
