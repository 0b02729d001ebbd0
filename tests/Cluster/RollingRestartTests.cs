using System.Collections.Concurrent;
using Boon.Platform;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// Two processes behind a balancer that asks <c>/health/ready</c>, and clients that retry nothing: one process after the other is replaced
/// under load.
/// </summary>
public sealed class RollingRestartTests
{
    private const int Clients = 4;

    [Theory]
    [Defended(nameof(Defences.Drain))]
    public Task No_request_fails_while_both_processes_are_restarted(DefendedRun run) => Guarantee.Show(run.Defended, () => RunAsync(run));

    private static async Task RunAsync(DefendedRun run)
    {
        await using var cluster = await TestCluster.CreateAsync(2, new Dictionary<string, string> { ["Boon__DrainTime"] = "00:00:05" });
        await cluster.StartAllAsync(run.Switches);
        var token = await cluster.OperatorTokenAsync();
        await using var balancer = new Balancer([cluster.Api(0).Url, cluster.Api(1).Url]);
        await balancer.AllReady();

        using var stop = new CancellationTokenSource();
        var answers = new ConcurrentQueue<string>();
        var served = 0;
        async Task Load(int client)
        {
            for (var i = client; !stop.IsCancellationRequested; i++)
                try
                {
                    using var request = i % 4 == 0
                        ? new HttpRequestMessage(HttpMethod.Put, $"/v1/coupon-types/TYPE-{client}")
                            { Content = new StringContent("{\"perUser\":1}", System.Text.Encoding.UTF8, "application/json") }
                        : new HttpRequestMessage(HttpMethod.Get, "/v1/users/me");
                    request.Headers.Authorization = new("Bearer", token);
                    using var answer = await balancer.SendAsync(request);
                    if (answer.IsSuccessStatusCode)
                        Interlocked.Increment(ref served);
                    else
                        answers.Enqueue($"{request.Method} {request.RequestUri}: {(int)answer.StatusCode} "
                            + $"{await answer.Content.ReadAsStringAsync()}");
                }
                catch (Exception error) when (error is HttpRequestException or IOException)
                {
                    answers.Enqueue(error.Message);
                }
        }

        var load = Enumerable.Range(0, Clients).Select(Load).ToList();
        for (var index = 0; index < 2; index++)
        {
            var before = Volatile.Read(ref served);
            await Eventually.Holds("load", () => Task.FromResult(Volatile.Read(ref served) > before + 100));
            cluster[index].Terminate();
            (await cluster[index].Exited()).ShouldBe(0, cluster[index].Output);
            await cluster.StartAsync(index, run.Switches);
            balancer.Replace(index, cluster.Api(index).Url);
            await balancer.AllReady();
        }
        await stop.CancelAsync();
        await Task.WhenAll(load);
        answers.Take(5).ShouldBeEmpty();
        served.ShouldBeGreaterThan(200);
    }

    /// <summary>Sends each request to the next process that was ready when it was last asked, once, whatever becomes of it.</summary>
    private sealed class Balancer : IAsyncDisposable
    {
        private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
        private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        private readonly Backend[] backends;
        private readonly CancellationTokenSource stop = new();
        private readonly Task watch;
        private int turn;

        private sealed record Backend(string Url, bool Ready);

        internal Balancer(IEnumerable<string> urls)
        {
            backends = [.. urls.Select(url => new Backend(url, Ready: false))];
            watch = Task.WhenAll(Enumerable.Range(0, backends.Length).Select(WatchAsync));
        }

        internal void Replace(int index, string url) => Volatile.Write(ref backends[index], new Backend(url, Ready: false));

        internal Task AllReady() =>
            Eventually.Holds(
                "the processes to be ready", () =>
                Task.FromResult(Enumerable.Range(0, backends.Length).All(index => Volatile.Read(ref backends[index]).Ready)));

        internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
        {
            var first = Interlocked.Increment(ref turn);
            for (var i = 0; i < backends.Length; i++)
                if (Volatile.Read(ref backends[(first + i) % backends.Length]) is { Ready: true } backend)
                {
                    request.RequestUri = new Uri(backend.Url + request.RequestUri);
                    return http.SendAsync(request);
                }
            throw new HttpRequestException("No process is ready.");
        }

        private async Task WatchAsync(int index)
        {
            using var timer = new PeriodicTimer(Interval);
            do
            {
                var asked = Volatile.Read(ref backends[index]);
                bool ready;
                try
                {
                    using var answer = await http.GetAsync(asked.Url + "/health/ready", stop.Token);
                    ready = answer.IsSuccessStatusCode;
                }
                catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
                {
                    ready = false;
                }
                Interlocked.CompareExchange(ref backends[index], asked with { Ready = ready }, asked);
            }
            while (!stop.IsCancellationRequested && await timer.WaitForNextTickAsync());
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await watch;
            stop.Dispose();
            http.Dispose();
        }
    }
}
