using System.Collections.Concurrent;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Replicas behind the gateway, under load: what becomes of requests while replicas die and are replaced.</summary>
public sealed class GatewayReplicasTests(GatewayReplicasTests.ThreeReplicas replicas) : IClassFixture<GatewayReplicasTests.ThreeReplicas>
{
    private const int Clients = 4;

    /// <summary>Three processes of all modules that share a database; tests end some, and the next starts them again.</summary>
    public sealed class ThreeReplicas : IAsyncLifetime
    {
        private const int Size = 3;

        internal TestCluster Cluster { get; private set; } = null!;

        internal string Token { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Cluster = await TestCluster.CreateAsync(
                Size, new Dictionary<string, string> { ["Boon__DrainTime"] = "00:00:02" }, fixedUrls: true);
            await Cluster.StartAllAsync();
            Token = await Cluster.OperatorTokenAsync();
        }

        /// <summary>Starts what was ended, and a gateway to all.</summary>
        internal async Task<TestGateway> StartAsync(params string[] switches)
        {
            await Task.WhenAll(Enumerable.Range(0, Size).Where(index => Cluster[index].HasExited)
                .Select(index => Cluster.StartAsync(index)));
            return await TestGateway.StartAsync(
                new Dictionary<string, string>
                    { ["Boon__Gateway__Modules"] = string.Join(',', Enumerable.Range(0, Size).Select(Cluster.Url)) }, switches);
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }

    /// <summary>All replicas are restarted in turn, then two of three are killed one after the other.</summary>
    [Fact]
    public async Task No_request_fails_while_all_replicas_are_restarted_and_two_are_killed()
    {
        await using var gateway = await replicas.StartAsync();
        await using (var load = new Load(gateway, replicas.Token, Load.Everything))
        {
            await RestartAsync(replicas.Cluster, gateway, load, 0, 1, 2);
            await load.MustHaveServedAll();
        }
        await using (var load = new Load(gateway, replicas.Token, Load.Resendable))
        {
            await KillAsync(replicas.Cluster, load, 0, 1);
            await load.MustHaveServedAll();
            // Nothing was done twice: each reward has the name of the one request that made it.
            (await replicas.Cluster.ScalarAsync<long>("select count(*) from quests.rewards where starts_with(name, $1)", load.Name))
                .ShouldBe(load.Created);
        }
    }

    [Fact]
    public Task Without_the_second_sending_requests_fail_when_a_replica_is_killed() => Guarantee.Show(defended: false, async () =>
    {
        await using var gateway = await replicas.StartAsync("--without", "SecondSending");
        await using var load = new Load(gateway, replicas.Token, Load.Resendable);
        await KillAsync(replicas.Cluster, load, 0);
        await load.MustHaveServedAll();
    });

    [Fact]
    public Task Without_the_drain_requests_fail_when_a_replica_is_restarted() => Guarantee.Show(defended: false, async () =>
    {
        var cluster = replicas.Cluster;
        await cluster[2].Kill();
        await cluster.StartAsync(2, "--without", "Drain");
        await using var gateway = await replicas.StartAsync();
        await using var load = new Load(gateway, replicas.Token, Load.Changes);
        await load.ServesMore();
        cluster[2].Terminate();
        await cluster[2].Exited();
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

    /// <summary>Clients that retry nothing.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private static int loads;

        private readonly CancellationTokenSource stop = new();
        private readonly ConcurrentQueue<string> failures = new();
        private readonly Task clients;
        private int served;
        private int created;

        /// <summary>Clients that send these in turn: their indexes in <see cref="SendAsync"/>.</summary>
        internal Load(TestGateway gateway, string token, int[] requests)
        {
            Name = $"Load {Interlocked.Increment(ref loads)} ";
            clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => RunAsync(gateway.Api, token, requests, client)));
        }

        /// <summary>Reads and keyed changes: what may be sent twice.</summary>
        internal static int[] Resendable { get; } = [0, 1, 2];

        /// <summary>Changes without a key.</summary>
        internal static int[] Changes { get; } = [3];

        internal static int[] Everything { get; } = [.. Resendable, .. Changes];

        /// <summary>What the names of its rewards begin with.</summary>
        internal string Name { get; }

        /// <summary>How many rewards were answered as created.</summary>
        internal long Created => Volatile.Read(ref created);

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

        private async Task RunAsync(Api api, string token, int[] requests, int client)
        {
            for (var i = client; !stop.IsCancellationRequested; i++)
            {
                var request = requests[i % requests.Length];
                try
                {
                    var answer = await SendAsync(api, token, request, $"{client}-{i}");
                    if (answer.Code is < 200 or >= 300)
                        failures.Enqueue($"{request}: {answer}");
                    else if (request == 0)
                        Interlocked.Increment(ref created);
                    Interlocked.Increment(ref served);
                }
                catch (Exception error) when (error is HttpRequestException or IOException)
                {
                    failures.Enqueue($"{request}: {error.Message}");
                }
            }
        }

        private Task<Answer> SendAsync(Api api, string token, int request, string turn) => request switch
        {
            0 => api.Post("/v1/rewards", new { name = Name + turn, item = "gold", quantity = 1 }, token, Name + turn),
            1 => api.Get("/v1/rewards?limit=200", token),
            2 => api.Get("/v1/users/me", token),
            _ => api.Put($"/v1/coupon-types/TYPE-{turn.Split('-')[0]}", new { perUser = 1 }, token),
        };

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await clients;
            stop.Dispose();
        }
    }
}
