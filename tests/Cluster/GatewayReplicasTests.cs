using System.Collections.Concurrent;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Replicas behind the gateway, under load: what becomes of requests while replicas die and are replaced.</summary>
public sealed class GatewayReplicasTests
{
    private const int Clients = 8;

    /// <summary>Two of three replicas are killed one after the other, then all are restarted in turn.</summary>
    [Fact]
    public async Task No_request_fails_while_replicas_are_killed_and_all_are_restarted()
    {
        await using var cluster = await StartReplicasAsync(3);
        await using var gateway = await StartAsync(cluster, 3);
        var token = await cluster.OperatorTokenAsync();
        await using (var load = new Load(gateway, token, changesWithoutKey: false))
        {
            await KillAsync(cluster, load, 0, 1);
            await load.MustHaveServedAll();
            // Nothing was done twice: each reward has the name of the one request that made it.
            (await cluster.ScalarAsync<long>("select count(*) from quests.rewards")).ShouldBe(load.Created.Count);
            (await cluster.ScalarAsync<long>("select count(distinct name) from quests.rewards")).ShouldBe(load.Created.Count);
        }
        await Task.WhenAll(cluster.StartAsync(0), cluster.StartAsync(1));
        await Task.WhenAll(gateway.Sees(cluster.Url(0), ready: true), gateway.Sees(cluster.Url(1), ready: true));
        await using (var load = new Load(gateway, token, changesWithoutKey: true))
        {
            await RestartAsync(cluster, gateway, load, 0, 1, 2);
            await load.MustHaveServedAll();
        }
    }

    [Fact]
    public Task Without_the_second_sending_requests_fail_when_a_replica_is_killed() => Guarantee.Show(defended: false, async () =>
    {
        await using var cluster = await StartReplicasAsync(2);
        await using var gateway = await StartAsync(cluster, 2, "--without", "SecondSending");
        await using var load = new Load(gateway, await cluster.OperatorTokenAsync(), changesWithoutKey: false);
        await KillAsync(cluster, load, 0);
        await load.MustHaveServedAll();
    });

    [Fact]
    public Task Without_the_drain_requests_fail_when_a_replica_is_restarted() => Guarantee.Show(defended: false, async () =>
    {
        await using var cluster = await StartReplicasAsync(2, "--without", "Drain");
        await using var gateway = await StartAsync(cluster, 2);
        await using var load = new Load(gateway, await cluster.OperatorTokenAsync(), changesWithoutKey: true);
        await load.ServesMore();
        cluster[0].Terminate();
        await cluster[0].Exited();
        await load.ServesMore();
        await load.MustHaveServedAll();
    });

    private static async Task KillAsync(TestCluster cluster, Load load, params int[] replicas)
    {
        foreach (var index in replicas)
        {
            await load.ServesMore();
            await cluster[index].Kill();
            await load.ServesMore();
        }
    }

    private static async Task RestartAsync(TestCluster cluster, TestGateway gateway, Load load, params int[] replicas)
    {
        foreach (var index in replicas)
        {
            await load.ServesMore();
            cluster[index].Terminate();
            (await cluster[index].Exited()).ShouldBe(0, cluster[index].Output);
            await cluster.StartAsync(index);
            await gateway.Sees(cluster.Url(index), ready: true);
        }
        await load.ServesMore();
    }

    private static async Task<TestCluster> StartReplicasAsync(int replicas, params string[] switches)
    {
        var cluster = await TestCluster.CreateAsync(replicas, new Dictionary<string, string> { ["Boon__DrainTime"] = "00:00:02" }, fixedUrls: true);
        await cluster.StartAllAsync(switches);
        return cluster;
    }

    private static Task<TestGateway> StartAsync(TestCluster cluster, int replicas, params string[] switches) => TestGateway.StartAsync(
        new Dictionary<string, string> { ["Boon__Gateway__Modules"] = string.Join(',', Enumerable.Range(0, replicas).Select(cluster.Url)) }, switches);

    /// <summary>Clients that retry nothing: reads, keyed changes, and if asked for changes without a key.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly ConcurrentQueue<string> failures = new();
        private readonly Task clients;
        private int served;

        internal Load(TestGateway gateway, string token, bool changesWithoutKey) =>
            clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => RunAsync(gateway.Api, token, changesWithoutKey, client)));

        /// <summary>The names of the rewards that were answered as created.</summary>
        internal ConcurrentBag<string> Created { get; } = [];

        internal Task ServesMore()
        {
            var before = Volatile.Read(ref served);
            return Eventually.Holds("load", () => Task.FromResult(Volatile.Read(ref served) > before + 200));
        }

        internal async Task MustHaveServedAll()
        {
            await stop.CancelAsync();
            await clients;
            failures.Take(5).ShouldBeEmpty();
        }

        private async Task RunAsync(Api api, string token, bool changesWithoutKey, int client)
        {
            for (var i = client; !stop.IsCancellationRequested; i++)
                try
                {
                    var name = $"Reward {client} of turn {i}";
                    var answer = (i % 4, changesWithoutKey) switch
                    {
                        (0, _) => await api.Post("/v1/rewards", new { name, item = "gold", quantity = 1 }, token, $"key-{client}-{i}"),
                        (1, true) => await api.Put($"/v1/coupon-types/TYPE-{client}", new { perUser = 1 }, token),
                        (2, _) => await api.Get("/v1/rewards?limit=200", token),
                        _ => await api.Get("/v1/users/me", token),
                    };
                    if (answer.Code is < 200 or >= 300)
                        failures.Enqueue($"{i % 4}: {answer}");
                    else if (i % 4 == 0)
                        Created.Add(name);
                    Interlocked.Increment(ref served);
                }
                catch (Exception error) when (error is HttpRequestException or IOException)
                {
                    failures.Enqueue($"{i % 4}: {error.Message}");
                }
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await clients;
            stop.Dispose();
        }
    }
}
