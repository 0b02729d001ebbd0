using Microsoft.Extensions.Hosting;

namespace Boon.Quests.Catalog;

/// <summary>
/// Keeps this process's snapshot of the catalog: read at start, again in the process that changed it before that change is answered, and
/// everywhere when events of this module arrive. So a read costs no query, and is never older than a wake-up.
/// </summary>
internal sealed partial class CatalogReader(ModuleDatabase<QuestsDb> module, LogSignals signals, ILogger<CatalogReader> logger)
    : BackgroundService
{
    private readonly SemaphoreSlim reading = new(1, 1);
    private volatile CatalogSnapshot current = CatalogSnapshot.Empty;

    /// <summary>The catalog as it is now.</summary>
    internal CatalogSnapshot Current => current;

    /// <summary>Counts a change of the catalog, in the transaction that makes it; changes take turns here.</summary>
    internal static Task ChangedAsync(Unit<QuestsDb> unit, CancellationToken ct) =>
        unit.Command("update quests.catalog_version set version = version + 1").ExecuteAsync(ct);

    /// <summary>Reads the catalog if it has changed.</summary>
    internal async Task RefreshAsync(CancellationToken ct)
    {
        await reading.WaitAsync(ct);
        try
        {
            // The version first: what is read after it is at least as new.
            await using var connection = await module.Database.Background.OpenConnectionAsync(ct);
            var version = await connection.Command("select version from quests.catalog_version").ScalarAsync<long>(ct);
            if (version == current.Version)
                return;
            await using var db = ModuleContext.Create<QuestsDb>(connection);
            // Quests before rewards: a quest that is read has its reward.
            var quests = await db.Quests.AsNoTracking().ToListAsync(ct);
            current = CatalogSnapshot.Of(version, await db.Rewards.AsNoTracking().ToListAsync(ct), quests);
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>
    /// The same for a request whose change is stored already: a failure here is not its failure, and the next wake-up reads again.
    /// </summary>
    internal async Task TryRefreshAsync(CancellationToken ct)
    {
        try
        {
            await RefreshAsync(ct);
        }
        catch (Exception error)
        {
            LogFailed(logger, error.Message);
        }
    }

    /// <summary>Reads what is there, so that the first request finds it.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new WakeSignal();
        using var subscription = signals.OnSequenced(QuestsModule.ModuleName, wake);
        await module.Database.Loops.OnWakeAsync(
            wake, () => RefreshAsync(stoppingToken), error => LogFailed(logger, error.Message), stoppingToken);
    }

    [LoggerMessage(1, LogLevel.Warning, "The catalog could not be read; trying again: {Error}", EventName = "catalog-failed")]
    private static partial void LogFailed(ILogger logger, string error);

    /// <inheritdoc/>
    public override void Dispose()
    {
        reading.Dispose();
        base.Dispose();
    }
}

/// <summary>Marks endpoints that change the catalog.</summary>
internal static class CatalogChanges
{
    /// <summary>
    /// Reads the catalog anew in this process before the answer is sent: who has changed something sees it. Say it before <c>WithUnit</c>.
    /// </summary>
    internal static RouteHandlerBuilder RefreshesCatalog(this RouteHandlerBuilder route) =>
        route.AddEndpointFilter(async (invocation, next) =>
    {
        var result = await next(invocation);
        await invocation.HttpContext.RequestServices.GetRequiredService<CatalogReader>().TryRefreshAsync(
            invocation.HttpContext.RequestAborted);
        return result;
    });
}
