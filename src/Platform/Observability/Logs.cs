using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Rules;
using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace Boon.Platform.Observability;

/// <summary>
/// Logs: lines for people on the console; JSON files under <c>logs/</c> by part (<c>web</c>, <c>events</c>, <c>migration</c>) and level
/// (<c>info</c>, <c>error</c>), a new one each day or 64 MB; <c>Boon:Log:FilesKept</c> of each kind are kept.
/// </summary>
public static class Logs
{
    private const long LargestFile = 64 * 1024 * 1024;

    /// <summary>The folders whose lines are about events.</summary>
    private static readonly string[] OfEvents =
        [typeof(LogNotifications).Namespace!, typeof(SubscriptionRunner).Namespace!, typeof(RulesLock).Namespace!];

    /// <summary>The part that migrations log to.</summary>
    public const string MigrationCategory = "Boon.Migrations";

    /// <summary>Everything is logged to Serilog, which hands on to others what passes its filters.</summary>
    public static void AddBoonLogs(this WebApplicationBuilder builder, string directory, Func<bool> databaseIsAway)
    {
        var others = new LoggerProviderCollection();
        var log = Create(builder.Configuration, directory, databaseIsAway, others);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<Serilog.ILogger>(log);
        builder.Services.AddSingleton<ILoggerFactory>(services =>
        {
            foreach (var provider in services.GetServices<ILoggerProvider>())
                others.AddProvider(provider);
            return new SerilogLoggerFactory(log, dispose: true, others);
        });
    }

    /// <summary>
    /// Builds the logger. <paramref name="databaseIsAway"/> is asked for each warning. <c>Boon:Log:Level</c> is the lowest level that the
    /// console shows (default Information).
    /// </summary>
    /// <remarks>What <paramref name="collector"/> holds gets the same lines.</remarks>
    private static Logger Create(
        IConfiguration configuration, string directory, Func<bool> databaseIsAway, LoggerProviderCollection collector)
    {
        var console = Settings.LogLevel.Of(configuration);
        var filesKept = Settings.LogFilesKept.Of(configuration);
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(console < LogEventLevel.Information ? console : LogEventLevel.Information)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
            .MinimumLevel.Override("Npgsql", LogEventLevel.Warning)
            // A backend that is away has a line of its own when it goes and when it is back; each request's end is in its own line.
            .MinimumLevel.Override("Yarp", LogEventLevel.Fatal)
            // A connection that fails while it is closed was gone before: whoever used it says so.
            .MinimumLevel.Override("Npgsql.Connection", LogEventLevel.Fatal)
            // A scheme that does not apply to a request says so at Information; how the request ended is in its own line.
            .MinimumLevel.Override("Boon.Intake.Keys.ApiKeyAuthentication", LogEventLevel.Warning)
            // Every exception reaches the edge, which logs it once with its request.
            .MinimumLevel.Override("Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddleware", LogEventLevel.Fatal)
            // Why a start failed is the command's last line, with its stack trace if it is a bug.
            .Filter.ByExcluding(e => e.MessageTemplate.Text == "Hosting failed to start")
            // While a database is away, what retries has nothing to say that its one line does not.
            .Filter.ByExcluding(e => e.Level == LogEventLevel.Warning && e.Properties.ContainsKey("Error") && databaseIsAway()
                && !IsOf(e, typeof(Outages)))
            .Enrich.FromLogContext()
            .WriteTo.Console(new ConsoleLines(), console);
        if (Telemetry.HasCollector(configuration))
            logger = logger.WriteTo.Sink(new CollectorLines(collector));
        foreach (var part in (string[])["web", "events", "migration"])
            logger = logger
                .WriteTo.Logger(to => ToFile(to, part, "info", e => e.Level < LogEventLevel.Error))
                .WriteTo.Logger(to => ToFile(to, part, "error", e => e.Level >= LogEventLevel.Error));
        return logger.CreateLogger();

        void ToFile(LoggerConfiguration to, string part, string name, Func<LogEvent, bool> levels) => to
            .Filter.ByIncludingOnly(e => levels(e) && Part(e) == part)
            .WriteTo.File(new RequestLines.Json(), Path.Combine(directory, $"{part}-{name}-.json"),
                rollingInterval: RollingInterval.Day, fileSizeLimitBytes: LargestFile, rollOnFileSizeLimit: true,
                retainedFileCountLimit: filesKept, shared: true);
    }

    private static string Category(LogEvent e) =>
        e.Properties.TryGetValue(Constants.SourceContextPropertyName, out var value) && value is ScalarValue { Value: string text }
            ? text : "";

    private static bool IsOf(LogEvent e, Type type) => Category(e) == type.FullName;

    private static string Part(LogEvent e)
    {
        var category = Category(e);
        return category.StartsWith(MigrationCategory, StringComparison.Ordinal)
            || category.Contains("Migrations", StringComparison.Ordinal) ? "migration"
            : OfEvents.Any(folder => category.StartsWith(folder, StringComparison.Ordinal)) ? "events"
            : "web";
    }
}
