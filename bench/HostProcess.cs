using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Boon.Bench;

/// <summary>A web host in a process of its own, listening on a free port, from its start until it is killed.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    internal const string OperatorPassword = "bench-operator-4711";
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(2);

    private readonly Process process;
    private readonly string data = BenchServer.TemporaryFolder();
    private readonly StringBuilder output = new();

    internal string Url { get; }

    /// <summary>From the start of the process to the first 200 of /health/ready.</summary>
    internal TimeSpan StartedIn { get; private set; }

    private HostProcess(string assembly, Func<string, string[]> arguments, string? connectionString,
        IReadOnlyDictionary<string, string>? settings)
    {
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        }
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = data,
        };
        start.ArgumentList.Add(assembly);
        foreach (var argument in arguments(Url))
            start.ArgumentList.Add(argument);
        start.Environment["ConnectionStrings__Boon"] = connectionString;
        start.Environment["Boon__Data"] = data;
        start.Environment["Boon__Operator__Password"] = OperatorPassword;
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    /// <summary>Starts <c>boon serve</c>, of the build beside this bench or of one in another folder.</summary>
    internal static Task<HostProcess> ServeAsync(
        string connectionString, CancellationToken ct, string? folder = null, IReadOnlyDictionary<string, string>? settings = null) =>
        StartAsync(Path.Combine(folder ?? AppContext.BaseDirectory, "Boon.Host.dll"), url => ["serve", "--urls", url], connectionString,
            ct, settings);

    /// <summary>Starts the gateway to a host, without a limit that a bench would meet.</summary>
    internal static Task<HostProcess> GatewayAsync(HostProcess to, CancellationToken ct) => StartAsync(
        Path.Combine(AppContext.BaseDirectory, "Boon.Host.dll"), url => ["serve", "--modules", "gateway", "--urls", url], null, ct,
        new Dictionary<string, string>(StringComparer.Ordinal)
            { ["Boon__Gateway__Modules"] = to.Url, ["Boon__Gateway__RequestsPerSecond"] = "1000000" });

    /// <summary>Starts a host that does nothing but answer /health/ready.</summary>
    internal static Task<HostProcess> EmptyAsync(CancellationToken ct) =>
        StartAsync(Path.Combine(AppContext.BaseDirectory, "Boon.Bench.dll"), url => [EmptyHost.Verb, url], null, ct);

    private static async Task<HostProcess> StartAsync(
        string assembly, Func<string, string[]> arguments, string? connectionString, CancellationToken ct,
        IReadOnlyDictionary<string, string>? settings = null)
    {
        var host = new HostProcess(assembly, arguments, connectionString, settings);
        try
        {
            await host.UntilReadyAsync(ct);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    private async Task UntilReadyAsync(CancellationToken ct)
    {
        using var http = new HttpClient();
        var ready = new Uri(Url + "/health/ready");
        var started = Stopwatch.GetTimestamp();
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (true)
        {
            try
            {
                using var response = await http.GetAsync(ready, ct);
                if (response.StatusCode == HttpStatusCode.OK)
                    break;
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }
            if (process.HasExited || Stopwatch.GetElapsedTime(started) > LongestStart)
                throw new InvalidOperationException($"The host did not become ready:\n{Output()}");
            await Task.Delay(BetweenProbes, ct);
        }
        StartedIn = Stopwatch.GetElapsedTime(started);
    }

    /// <summary>The memory that it holds now, in MiB (resident set).</summary>
    internal double ResidentMebibytes()
    {
        process.Refresh();
        return process.WorkingSet64 / (1024.0 * 1024.0);
    }

    /// <summary>The CPU time that it has used.</summary>
    internal TimeSpan Cpu()
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    private void Keep(string? line)
    {
        const int most = 20_000;
        lock (output)
            if (output.Length < most)
                output.AppendLine(line);
    }

    private string Output()
    {
        lock (output)
            return output.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(data, recursive: true);
    }
}
