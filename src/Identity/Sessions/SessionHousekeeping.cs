using Microsoft.Extensions.Hosting;

namespace Boon.Identity.Sessions;

/// <summary>
/// Deletes what no decision needs any more: sessions and refresh tokens a day past their end, failed tries past their window, retired keys.
/// </summary>
internal sealed partial class SessionHousekeeping(
    ModuleDatabase<IdentityDb> module, TimeProvider time, ILogger<SessionHousekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        module.Database.Loops.EveryAsync(
            Interval, time, () => RunAsync(stoppingToken), error => LogFailed(logger, error.Message), stoppingToken);

    internal async Task RunAsync(CancellationToken ct)
    {
        var source = module.Database.Background;
        await OldRows.DeleteAsync(source, "identity.sessions", "expires_at", TimeSpan.FromDays(1), ct);
        await OldRows.DeleteAsync(source, "identity.sign_in_failures", "window_ends", TimeSpan.Zero, ct);
        await source.Command("delete from identity.signing_keys where retires_at < now()").ExecuteAsync(ct);
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not delete old sessions; trying again later: {Error}", EventName = "housekeeping-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
