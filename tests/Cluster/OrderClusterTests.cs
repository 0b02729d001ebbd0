using System.Collections.Concurrent;
using System.Net;
using Boon.Platform;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// Two processes on one database that die again and again while people order with codes: every order ends, and each use is an order's.
/// </summary>
public sealed class OrderClusterTests
{
    private const int Members = 20;
    private const int Connections = 16;
    private const int Kills = 4;
    private const int SameKey = 32;

    /// <summary>Seeds codes, each with its holder and the holder's token.</summary>
    private static async Task<List<(string Token, string Code)>> HoldersAsync(TestCluster cluster, int count, int maxUses)
    {
        var mint = await TokenMint.CreateAsync(cluster.Source);
        var members = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToArray();
        await cluster.ExecuteAsync("""
            insert into promotions.codes (id, code, user_id, benefit, max_uses, expires_at)
            select gen_random_uuid(), 'SAGA-' || n, m, '{"kind":"percent","value":10}', $2, '2090-01-01'
            from unnest($1::uuid[]) with ordinality k (m, n)
            """, members, maxUses);
        return [.. members.Select((member, i) => (mint.Token(member), $"SAGA-{i + 1}"))];
    }

    private static async Task<Answer> PlaceAsync(TestCluster cluster, string token, string code, long amount, string key, int worker)
    {
        while (true)
        {
            var placed = await cluster.RetryAsync(api =>
                api.Post("/v1/orders", new { product = "p", quantity = 1, total = new { amount, currency = "USD" }, code }, token, key),
                worker);
            if (placed.Problem == "idempotency-in-flight")
            {
                await Task.Delay(TestCluster.Pause);
                continue;
            }
            return placed.Status == HttpStatusCode.Accepted ? placed : throw new InvalidOperationException(placed.Text);
        }
    }

    [Theory]
    [Defended(nameof(Defences.AtomicCheckpoint))]
    public Task A_thousand_orders_end_and_each_use_is_an_orders_though_processes_are_killed(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunAsync(run));

    private static async Task RunAsync(DefendedRun run)
    {
        // Without the defence the first deaths break it.
        var ordersEach = run.Defended ? 50 : 20;
        var maxUses = ordersEach * 3 / 5;
        await using var cluster = await TestCluster.CreateAsync(2);
        // Besides the kills from outside, each incarnation kills itself inside a batch, between effects and commit: soon, because a busy
        // machine has few and large ones; without the defence later, when it is a batch of orders.
        string[] switches = ["--kill-at", run.Defended ? "batch:3" : "batch:10", .. run.Switches];
        await cluster.StartAllAsync(switches);
        var holders = await HoldersAsync(cluster, Members, maxUses);
        var queue = new ConcurrentQueue<int>(Enumerable.Range(0, Members * ordersEach));
        var orders = new ConcurrentBag<Guid>();
        async Task OrderAsync(int worker)
        {
            while (queue.TryDequeue(out var number))
            {
                var (token, code) = holders[number % Members];
                // A key makes it repeatable: the client does not know whether the process died before or after its commit.
                var placed = await PlaceAsync(cluster, token, code, 1000 + number, $"order {number}", worker);
                orders.Add(placed.Id);
                // Some change their mind at once, while the redemption is under way.
                if (number / Members % 10 == 0)
                    (await cluster.RetryAsync(api => api.Post($"/v1/orders/{placed.Id}/cancel", null, token), worker)).Code
                        .ShouldBeOneOf(200, 409);
                if (number % (Members * ordersEach / Kills) == 1)
                    await cluster.KillAndRestartAsync(number % 2, switches);
            }
        }
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(OrderAsync));
        await cluster.KillAndRestartAsync(0, run.Switches);
        await cluster.KillAndRestartAsync(1, run.Switches);
        await cluster.CaughtUpAsync();
        cluster.MustHaveDiedAtFaultPoint();

        orders.Distinct().Count().ShouldBe(Members * ordersEach);
        (await cluster.ScalarAsync<long>("select count(*) from orders.orders")).ShouldBe(Members * ordersEach);
        (await cluster.ScalarAsync<long>("select count(*) from orders.orders where state = 'pending'"))
            .ShouldBe(0, "every order has ended");
        (await cluster.ScalarAsync<long>("select count(*) from orders.orders where state = 'rejected' and reason <> 'code-exhausted'"))
            .ShouldBe(0);
        // Code by code: uses are confirmed orders, and redemptions that stand.
        (await cluster.ScalarAsync<long>("""
            select count(*) from promotions.codes c
            where c.uses <> (select count(*) from orders.orders o where o.code = c.code and o.state = 'confirmed')
                or c.uses <> (select count(*) from promotions.redemptions r where r.code_id = c.id and r.released_at is null)
            """)).ShouldBe(0, "uses are confirmed orders");
        (await cluster.ScalarAsync<bool>("select bool_and(o.state = 'confirmed' and o.discount = r.discount or o.state = 'cancelled' and "
            + "r.released_at is not null) from promotions.redemptions r join orders.orders o on o.id = r.order_id")).ShouldBeTrue();
        (await cluster.ScalarAsync<bool>(
            "select max(uses) <= $1 and sum(uses) >= $2 from promotions.codes", maxUses, (long)(Members * (maxUses - (ordersEach / 10)))))
            .ShouldBeTrue();
        (await cluster.ScalarAsync<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
    }

    /// <summary>
    /// It dies with the first answer: before the commit, when nothing is left of any request, or after it, when the client never hears of
    /// it.
    /// </summary>
    [Theory]
    [Defended(nameof(Defences.IdempotencyKeys), "after-answer", OnlyWith = ["answer"])]
    public Task One_key_sent_32_times_places_one_order_though_the_process_dies_midway(string point, DefendedRun run) =>
        Guarantee.Show(run.Defended, async () =>
    {
        await using var cluster = await TestCluster.CreateAsync(1);
        await cluster.StartAllAsync([.. run.Switches, "--kill-at", $"{point}:1"]);
        var (token, code) = (await HoldersAsync(cluster, 1, 100))[0];
        var dies = cluster[0].Id;
        var answers = await Task.WhenAll(
            Enumerable.Range(0, SameKey).Select(worker => PlaceAsync(cluster, token, code, 1000, "the same", worker)));
        cluster[0].Id.ShouldNotBe(dies);
        await cluster.CaughtUpAsync();
        answers.Select(answer => answer.Text).Distinct().Count().ShouldBe(1, "the same answer to all");
        (await cluster.ScalarAsync<long>("select count(*) from orders.orders")).ShouldBe(1);
        (await cluster.ScalarAsync<int>("select uses from promotions.codes")).ShouldBe(1);
    });
}
