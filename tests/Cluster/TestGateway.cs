using Boon.Support;

namespace Boon.Cluster;

/// <summary>A real process of the gateway.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private readonly BoonProcess process;
    private readonly string folder;

    private TestGateway(BoonProcess process, string folder, string url) =>
        (this.process, this.folder, Url, Api) = (process, folder, url, new Api(url));

    internal string Url { get; }

    internal Api Api { get; }

    /// <summary>Everything that it wrote.</summary>
    internal string Output => process.Output;

    /// <summary>Starts it, and waits until each module has had a process that is ready.</summary>
    internal static async Task<TestGateway> StartAsync(IReadOnlyDictionary<string, string> settings, params string[] switches)
    {
        var gateway = await ServingAsync(settings, switches);
        if (gateway.Url.StartsWith("http://", StringComparison.Ordinal))
            await gateway.Ready();
        return gateway;
    }

    /// <summary>Starts it, and waits until it listens.</summary>
    internal static async Task<TestGateway> ServingAsync(IReadOnlyDictionary<string, string> settings, params string[] switches)
    {
        var folder = Directory.CreateTempSubdirectory("boon-gateway-").FullName;
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
            { ["Boon__Gateway__RequestsPerSecond"] = "1000000", ["Boon__Log__Level"] = "Warning" };
        foreach (var (key, value) in settings)
            all[key] = value;
        var process = BoonProcess.Start(
            all, [.. switches, "serve", "--modules", "gateway", "--urls", all.GetValueOrDefault("Boon__Urls") ?? "http://127.0.0.1:0",
            "--data", folder]);
        return new TestGateway(process, folder, await process.Serving());
    }

    internal Task Ready() => Eventually.Holds("the gateway to be ready", async () => (await Api.Get("/health/ready")).Code == 200);

    /// <summary>Waits until it sees that a process is ready, or is not.</summary>
    internal Task Sees(string address, bool ready, string backend = "all") => Eventually.Holds(
        $"{address} to be {(ready ? "ready" : "away")}", async () =>
        (await Api.Get("/metrics")).Text.Contains(
            $"boon_gateway_backend_ready{{address=\"{address}\",backend=\"{backend}\"}} {(ready ? 1 : 0)}", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await process.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
