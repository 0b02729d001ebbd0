using System.Collections.Concurrent;
using System.Text;
using Boon.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Boon.Scenarios;

/// <summary>What a host sends to a collector, by OTLP over HTTP; alone, because what is counted is the whole process's.</summary>
[Collection("Defences")]
public sealed class CollectorTests
{
    [Fact]
    public async Task A_collector_gets_metrics_logs_and_traces()
    {
        await using var collector = await Collector.StartAsync();
        await using var boon = await TestBoon.StartAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_BLRP_SCHEDULE_DELAY", "200"));
        await boon.CreateCampaign(new { limit = 1 });
        var (user, username, password) = await boon.Register();
        await boon.Api.Get("/v1/users/me", await boon.Api.SignIn(username, password));

        foreach (var metric in (string[])[
            "boon_events_appended", "boon_log_unsequenced_events", "http.server.request.duration", "dotnet.gc.collections"])
            await collector.Got("metrics", metric);
        foreach (var span in (string[])["promotions.issue-vouchers", "POST /v1/sessions", "postgresql"])
            await collector.Got("traces", span);
        await collector.Got("logs", "\"POST\" \"/v1/sessions\" 200 in ");
        await collector.Got("logs", user.ToString());
        foreach (var signal in (string[])["metrics", "logs", "traces"])
            collector.Text(signal).ShouldNotContain(password, customMessage: signal);
    }

    [Fact]
    public async Task A_host_serves_and_stops_though_its_collector_is_away()
    {
        await using var boon = await TestBoon.StartAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"));
        var (_, username, password) = await boon.Register();
        await boon.Api.SignIn(username, password);
        await boon.Ready();
    }

    /// <summary>Keeps what it gets. Texts are as they are in protocol buffers.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, string> received = new(StringComparer.Ordinal);
        private readonly WebApplication app;

        private Collector()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            app = builder.Build();
            app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
            {
                using var body = new MemoryStream();
                await request.Body.CopyToAsync(body);
                received.AddOrUpdate(signal, _ => Encoding.UTF8.GetString(body.ToArray()), (_, before) => before + Encoding.UTF8.GetString(
                    body.ToArray()));
            });
        }

        internal string Url => app.Urls.First();

        internal static async Task<Collector> StartAsync()
        {
            var collector = new Collector();
            await collector.app.StartAsync();
            return collector;
        }

        internal string Text(string signal) => received.GetValueOrDefault(signal, "");

        internal Task Got(string signal, string text) =>
            Eventually.Holds($"{text} in {signal}", () => Task.FromResult(Text(signal).Contains(text, StringComparison.Ordinal)));

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
