using System.Diagnostics.Metrics;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Boon.Platform.Observability;

/// <summary>
/// OpenTelemetry: metrics at <c>/metrics</c>; traces, when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, that follow a request into the log
/// and on through each handler to what it caused.
/// </summary>
public static class Telemetry
{
    private static readonly string[] Meters =
        [LogMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql"];

    /// <summary>Registers how far each lane is behind, for hosts that have logs.</summary>
    public static IServiceCollection AddLogLag(this IServiceCollection services) => services.AddSingleton<LogLag>();

    /// <summary>Registers both.</summary>
    public static IServiceCollection AddBoonTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<MetricsPage>();
        if (!string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            services.AddSingleton<IHostedService, Tracing>();
        return services;
    }

    /// <summary>Maps <c>GET /metrics</c>.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        app.Services.GetRequiredService<MetricsPage>(); // listens from the start
        app.MapGet("/metrics", GetMetricsAsync).TakesAnyQuery().WithTags("Operations").WithSummary("Metrics in the Prometheus text format.").Produces<string>(200, "text/plain");
    }

    private static async Task<ContentHttpResult> GetMetricsAsync(MetricsPage page, HttpContext http) =>
        TypedResults.Text(await page.RenderAsync(http.RequestAborted), "text/plain; version=0.0.4; charset=utf-8");

    private static ResourceBuilder Resource => ResourceBuilder.CreateDefault().AddService("boon");

    private static readonly string Version = System.Reflection.CustomAttributeExtensions
        .GetCustomAttribute<System.Reflection.AssemblyInformationalVersionAttribute>(typeof(Telemetry).Assembly)?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>Collects at each scrape.</summary>
    internal sealed class MetricsPage : IDisposable
    {
        private readonly SemaphoreSlim gate = new(1, 1);
        private readonly PrometheusExporter exporter = new();
        private readonly LogLag? lag;
        private readonly MeterProvider provider;
        private readonly BaseExportingMetricReader reader;

        public MetricsPage(LogLag? lag = null)
        {
            this.lag = lag;
            LogMetrics.Meter.CreateObservableGauge(
                "boon_build_info", () => new Measurement<long>(1, new KeyValuePair<string, object?>("version", Version)), description: "Which Boon this is: always 1.");
            reader = new BaseExportingMetricReader(exporter);
            provider = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(Resource).AddMeter(Meters).AddReader(reader).Build();
        }

        internal async Task<string> RenderAsync(CancellationToken ct)
        {
            await gate.WaitAsync(ct);
            try
            {
                try
                {
                    if (lag is not null)
                        await lag.RefreshAsync(ct);
                }
                catch (Exception error) when (Data.PostgresErrors.IsOutage(error) && !ct.IsCancellationRequested)
                {
                    lag?.Forget(); // the other figures are wanted most while the database is away
                }
                reader.Collect();
                return exporter.Text;
            }
            finally
            {
                gate.Release();
            }
        }

        public void Dispose()
        {
            provider.Dispose();
            exporter.Dispose();
            gate.Dispose();
        }
    }

    private sealed class Tracing : IHostedService, IDisposable
    {
        private TracerProvider? provider;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            provider = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(Resource)
                .AddSource(LogMetrics.Name, "Microsoft.AspNetCore", "Npgsql", "Yarp.ReverseProxy").AddOtlpExporter().Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            provider?.ForceFlush();
            return Task.CompletedTask;
        }

        public void Dispose() => provider?.Dispose();
    }
}
