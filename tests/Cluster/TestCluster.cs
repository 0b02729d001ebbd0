using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Boon.Support;
using Npgsql;

namespace Boon.Cluster;

/// <summary>Several real processes of Boon on one database.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private const string OperatorPassword = "operator of the cluster";
    private readonly BoonProcess?[] processes;
    private readonly Api?[] apis;
    private readonly string[] folders;
    private readonly NpgsqlDataSource source;
    private readonly SemaphoreSlim restarting = new(1, 1);
    private readonly ConcurrentBag<BoonProcess> launched = [];

    private readonly IReadOnlyDictionary<string, string>? settings;
    private readonly string[] urls;
    private readonly IReadOnlyList<string>? modules;

    private TestCluster(string database, int size, IReadOnlyDictionary<string, string>? settings, bool fixedUrls,
        IReadOnlyList<string>? modules)
    {
        this.settings = settings;
        this.modules = modules;
        urls = [.. Enumerable.Range(0, size).Select(_ => fixedUrls ? FreeUrl() : "http://127.0.0.1:0")];
        Database = database;
        processes = new BoonProcess?[size];
        apis = new Api?[size];
        folders = [.. Enumerable.Range(0, size).Select(_ => Directory.CreateTempSubdirectory("boon-cluster-").FullName)];
        source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServer.ForTest(database)) { Pooling = true, MaxPoolSize = 4 }.ConnectionString);
    }

    internal string Database { get; }

    /// <summary>Connections to its database.</summary>
    internal NpgsqlDataSource Source => source;

    internal const string Operator = OperatorPassword;

    /// <summary>Before the same is tried again: whoever tries without end takes the processor from what it waits for.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// A cluster of so many processes; <paramref name="fixedUrls"/>: each keeps its address over restarts; <paramref name="modules"/>: what
    /// each runs, with commas.
    /// </summary>
    internal static async Task<TestCluster> CreateAsync(
        int size, IReadOnlyDictionary<string, string>? settings = null, bool fixedUrls = false, IReadOnlyList<string>? modules = null) =>
        new(
            // Where modules have databases of their own, this one has no tables of theirs.
            settings?.Keys.Any(key => key.StartsWith("ConnectionStrings__", StringComparison.Ordinal)) == true
                ? await TestServer.CreateDatabaseAsync() : await TestServer.CreateMigratedAsync(),
            size, settings, fixedUrls, modules);

    /// <summary>Where a process listens, when its address is fixed.</summary>
    internal string Url(int index) => urls[index];

    /// <summary>An address on this machine that nobody listens on.</summary>
    internal static string FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    /// <summary>A process of the cluster.</summary>
    internal BoonProcess this[int index] => processes[index] ?? throw new InvalidOperationException("It is not started.");

    /// <summary>Waits until a process has killed itself at the fault point of its switches; answers which.</summary>
    internal async Task<int> DiedAtFaultPointAsync()
    {
        var first = await Task.WhenAny(processes.Select(async (process, index) =>
        {
            await process!.Signalled();
            return index;
        }));
        return first.IsCompletedSuccessfully ? await first : throw new InvalidOperationException("No process came to its fault point.");
    }

    /// <summary>A run in which no process died at its fault point shows nothing.</summary>
    internal void MustHaveDiedAtFaultPoint(int times = 1)
    {
        if (launched.Count(process => process.HasSignalled) is var died && died < times)
            throw new InvalidOperationException($"{died} processes died at their fault point: too few to show anything.");
    }

    /// <summary>The address of a process that serves.</summary>
    internal Api Api(int index) => apis[index] ?? throw new InvalidOperationException("It does not serve.");

    internal Task StartAllAsync(params string[] switches) =>
        Task.WhenAll(Enumerable.Range(0, processes.Length).Select(index => StartAsync(index, switches)));

    internal async Task StartAsync(int index, params string[] switches)
    {
        // An incarnation may die of its own switch before it serves: another follows, as a supervisor would have it.
        while (true)
        {
            var process = Launch(index, switches);
            launched.Add(process);
            processes[index] = process;
            try
            {
                var url = await process.Serving();
                apis[index]?.Dispose();
                apis[index] = new Api(url);
                return;
            }
            catch (InvalidOperationException) when (process.WasKilled)
            {
            }
        }
    }

    /// <summary>Starts a process without waiting until it serves.</summary>
    internal BoonProcess Launch(int index, params string[] switches) => BoonProcess.Start(
        new Dictionary<string, string>(settings ?? new Dictionary<string, string>())
        {
            ["ConnectionStrings__Boon"] = Database,
            ["Boon__Operator__Password"] = OperatorPassword,
            ["Boon__Log__Level"] = "Warning",
        },
        [.. switches, "--fast-hash", "serve", "--urls", urls[index], "--data", folders[index], .. modules is null
            ? (string[])[] : ["--modules", modules[index]]]);

    internal async Task KillAndRestartAsync(int index, params string[] switches)
    {
        await restarting.WaitAsync();
        try
        {
            await this[index].Kill();
            await StartAsync(index, switches);
        }
        finally
        {
            restarting.Release();
        }
    }

    internal async Task<string> OperatorTokenAsync() =>
        (await RetryAsync(api => api.Post("/v1/sessions", new { identifier = "operator", password = OperatorPassword })))["accessToken"]
            .GetString()!;

    /// <summary>
    /// Calls one process, and on a lost connection or a 5xx another, as a client of a load balancer does; restarts processes that killed
    /// themselves.
    /// </summary>
    internal async Task<Answer> RetryAsync(Func<Api, Task<Answer>> call, int start = 0)
    {
        var began = TimeProvider.System.GetTimestamp();
        for (var attempt = start; ; attempt++)
        {
            var index = attempt % processes.Length;
            try
            {
                if (apis[index] is { } api && await call(api) is { Code: < 500 } answer)
                    return answer;
            }
            catch (Exception error) when (
                error is HttpRequestException or SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                await ReviveAsync(index);
            }
            if (TimeProvider.System.GetElapsedTime(began) > Eventually.Longest)
                throw new TimeoutException("No process answered.");
            await Task.Delay(Pause);
        }
    }

    private async Task ReviveAsync(int index)
    {
        if (processes[index] is not { WasKilled: true } dead)
            return;
        await restarting.WaitAsync();
        try
        {
            if (ReferenceEquals(processes[index], dead))
                await StartAsync(index);
        }
        finally
        {
            restarting.Release();
        }
    }

    /// <summary>Uploads so many coupons of a type.</summary>
    internal async Task UploadAsync(string type, int count)
    {
        var token = await OperatorTokenAsync();
        var coupons = Enumerable.Range(0, count)
            .Select(i =>
            new { code = $"{type}-{i}", type, discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
            maxUses = 1 });
        (await RetryAsync(api => api.Post("/v1/coupons", new { coupons }, token))).Code.ShouldBe(201);
    }

    internal async Task<List<T>> AllAsync<T>(string path, string token)
    {
        for (var index = 0; ; index++)
            try
            {
                return await Api(index % processes.Length).All<T>(path, token);
            }
            catch (HttpRequestException) when (index < processes.Length)
            {
            }
    }

    /// <summary>Waits until every subscription has read everything that was logged.</summary>
    internal Task CaughtUpAsync(TimeSpan? within = null) =>
        Eventually.Holds("the subscriptions", () => ScalarAsync<bool>(Quiet.Sql), within);

    internal async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal async Task<int> ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync();
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = source.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return command;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
            if (process is not null)
                await process.DisposeAsync();
        foreach (var api in apis)
            api?.Dispose();
        restarting.Dispose();
        await source.DisposeAsync();
        await TestServer.DropDatabaseAsync(Database);
        foreach (var folder in folders)
            Directory.Delete(folder, recursive: true);
    }
}
