using System.Diagnostics.Metrics;
using System.Reflection;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Boon.Platform.Observability;

/// <summary>
/// OpenTelemetry: metrics at <c>/metrics</c>. When <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, a collector gets metrics, logs and traces.
/// Traces follow a request into the log, and on through each handler to what it caused.
/// </summary>
public static class Telemetry
{
    private static readonly string Version =
        typeof(Telemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown";

    /// <summary>Registers how far each lane is behind, for hosts that have logs.</summary>
    public static IServiceCollection AddLogLag(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<LogLag>();
        return HasCollector(configuration) ? services.AddHostedService<LagForCollector>() : services;
    }

    /// <summary>Registers what is measured, and where it goes.</summary>
    public static IServiceCollection AddBoonTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<MetricsPage>();
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("boon"))
            .WithMetrics(metrics => metrics.AddMeter(LogMetrics.Name)
                .AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddNpgsqlInstrumentation()
                .AddPrometheusExporter(AsTheGuideSays));
        if (HasCollector(configuration))
            telemetry
                .WithTracing(traces => traces.AddSource(LogMetrics.Name, "Yarp.ReverseProxy")
                    .AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddNpgsql())
                .WithLogging(configureBuilder: null, logs => logs.IncludeFormattedMessage = true)
                .UseOtlpExporter();
        return services;
    }

    /// <summary>Maps <c>GET /metrics</c>.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        app.Services.GetRequiredService<MetricsPage>(); // its gauges are there from the start
        app.MapGet("/metrics", GetMetricsAsync)
            .TakesAnyQuery().WithTags("Operations").WithSummary("Metrics in the Prometheus text format.").Produces<string>(
                200, "text/plain");
    }

    private static Task GetMetricsAsync(MetricsPage page, HttpContext http) => page.RenderAsync(http);

    /// <summary>Names and labels as the guide lists them, and each scrape with the lag that was just read.</summary>
    private static void AsTheGuideSays(PrometheusAspNetCoreOptions page) =>
        (page.ScopeInfoEnabled, page.TargetInfoEnabled, page.ScrapeResponseCacheDurationMilliseconds) = (false, false, 0);

    internal static bool HasCollector(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

    /// <summary>Reads the lag before each scrape; the exporter has no hook for that.</summary>
    internal sealed class MetricsPage
    {
        private readonly RequestDelegate exporter;
        private readonly LogLag? lag;

        public MetricsPage(IServiceProvider services, LogLag? lag = null)
        {
            this.lag = lag;
            exporter = new ApplicationBuilder(services).UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
            LogMetrics.Meter.CreateObservableGauge(
                "boon_build_info", () => new Measurement<long>(1, new KeyValuePair<string, object?>("version", Version)),
                description: "Which Boon this is: always 1.");
        }

        internal async Task RenderAsync(HttpContext http)
        {
            if (lag is not null)
                await lag.RefreshAsync(http.RequestAborted);
            await exporter(http);
        }
    }
}
