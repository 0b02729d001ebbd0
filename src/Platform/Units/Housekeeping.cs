using Boon.Platform.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Units;

/// <summary>Deletes a module's idempotency keys once their 24 hours are over, and redriven dead letters after <c>Boon:DeadLetters:Retention</c>: page by page until there are none.</summary>
internal sealed partial class Housekeeping(ModuleDatabase database, IConfiguration configuration, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>Rows in one statement.</summary>
    private const int Page = 1_000;

    private readonly TimeSpan lettersKeptFor = Settings.DeadLetterRetention.Of(configuration);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        database.Loops.EveryAsync(Interval, time, () => RunAsync(stoppingToken), error => LogFailed(logger, database.Module, error.Message), stoppingToken);

    internal async Task RunAsync(CancellationToken ct)
    {
        await DeleteAsync("idempotency_keys", "created_at", IdempotencyClaim.KeptFor, ct);
        await DeleteAsync("dead_letters", "redriven_at", lettersKeptFor, ct);
    }

    /// <summary>A row that somebody holds or that moves meanwhile is left for the next time: at rest, a look that finds nothing writes nothing.</summary>
    private async Task DeleteAsync(string table, string since, TimeSpan keptFor, CancellationToken ct)
    {
        int deleted;
        do
        {
            await using var command = database.Source.CreateCommand($"""
                delete from {database.Schema}.{table}
                where ctid = any (array(
                    select ctid
                    from {database.Schema}.{table}
                    where {since} < now() - $1
                    limit {Page}
                    for update skip locked))
                """);
            command.Parameters.Add(new() { Value = keptFor });
            deleted = await command.ExecuteNonQueryAsync(ct);
        }
        while (deleted > 0);
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not delete old idempotency keys and dead letters of {Module}; trying again later: {Error}", EventName = "housekeeping-failed")]
    private static partial void LogFailed(ILogger logger, string module, string error);
}
