using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Data;

/// <summary>
/// Keeps totals cheap to read. The database records each change of what is counted as a row (a trigger, in the transaction that makes it),
/// so that a total and the changes after it are what a count would give in the same snapshot, and no change waits for another. This service
/// adds the changes to the totals, now and then.
/// </summary>
/// <param name="database">The module's database.</param>
/// <param name="time">The clock of the interval.</param>
/// <param name="logger">Is told of failures.</param>
public abstract partial class Totals(ModuleDatabase database, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Changes that are added in one statement.</summary>
    protected const int Most = 10_000;

    /// <summary>The table of changes, with a key <c>place</c>.</summary>
    protected abstract string Changes { get; }

    /// <summary>Adds the rows of <c>folded</c> to the totals: further parts of a <c>with</c>.</summary>
    protected abstract string Add { get; }

    /// <summary>Runs after that; null: nothing does.</summary>
    protected virtual string? Tidy => null;

    /// <summary>Adds all changes that are there. At any moment a reader sees a change either here or there.</summary>
    public async Task FoldAsync(CancellationToken ct)
    {
        if (!await database.Background.Command($"select exists (select from {Changes})").ScalarAsync<bool>(ct))
            return;
        while (await FoldOnceAsync(ct) == Most)
        {
            // there is more
        }
        if (Tidy is not null)
            await database.Background.Command(Tidy).ExecuteAsync(ct);
    }

    private Task<long> FoldOnceAsync(CancellationToken ct) =>
        database.Background.Command($"""
            with folded as (
                delete from {Changes}
                where place = any (array(
                    select place
                    from {Changes}
                    order by place
                    limit {Most}
                    for update skip locked))
                returning *
            ), {Add}
            select count(*)
            from folded
            """)
            .ScalarAsync<long>(ct);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        database.Loops.EveryAsync(
            Interval, time, () => FoldAsync(stoppingToken), error => LogFailed(logger, Changes, error.Message), stoppingToken);

    [LoggerMessage(1, LogLevel.Warning, "Could not add the changes in {Changes} to their totals; trying again later: {Error}",
        EventName = "totals-failed")]
    private static partial void LogFailed(ILogger logger, string changes, string error);
}
