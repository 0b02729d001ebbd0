using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Boon.FaultHost;
using Boon.Platform;
using Boon.Support;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Boon.Cluster;

/// <summary>
/// 2,000 people, 32 connections, two processes on one database that die again and again: the winners are still exactly right.
/// </summary>
public sealed class FirstHundredClusterTests
{
    private const int Connections = 32;
    private const int Limit = 100;
    private const string Password = "one pass phrase for all";

    [Theory]
    [Defended(nameof(Defences.AtomicCheckpoint))]
    public Task Exactly_the_first_100_win_though_each_process_is_killed_five_times(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunAsync(run));

    private static async Task RunAsync(DefendedRun run)
    {
        // Without the defence the first deaths break it.
        var (people, deaths) = run.Defended ? (2_000, 10) : (600, 4);
        await using var cluster = await TestCluster.CreateAsync(2);
        // Besides the kills from outside, each incarnation kills itself inside its 3rd batch, between effects and commit.
        string[] switches = ["--kill-at", "batch:3", .. run.Switches];
        await cluster.StartAllAsync(switches);
        var token = await cluster.OperatorTokenAsync();
        var ids = await SeedAsync(cluster, people);
        var campaign = await cluster.RetryAsync(api => api.Post("/v1/campaigns", new
        {
            name = "First 100",
            trigger = "identity.user-signed-in",
            when = new { first = true },
            limit = Limit,
            benefit = new { kind = "percent", value = 30 },
            voucherValidFor = "P30D",
        }, token));

        var queue = new ConcurrentQueue<Guid>(ids);
        var signedIn = 0;
        var every = people / (deaths + 1);
        var kills = new ConcurrentDictionary<int, int>();
        async Task SignInAsync(int worker)
        {
            while (queue.TryDequeue(out var id))
            {
                (await cluster.RetryAsync(api => api.Post("/v1/sessions", new { identifier = $"seed{id}", password = Password }),
                    worker)).Status.ShouldBe(HttpStatusCode.OK);
                var done = Interlocked.Increment(ref signedIn);
                if (done % every == 0 && done / every is var kill && kill <= deaths)
                {
                    await cluster.KillAndRestartAsync(kill % 2, switches);
                    kills.AddOrUpdate(kill % 2, 1, (_, count) => count + 1);
                }
            }
        }
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(SignInAsync));
        kills.Values.ShouldAllBe(count => count >= deaths / 2);
        // From here on nobody dies: what is left is decided.
        await cluster.KillAndRestartAsync(0, run.Switches);
        await cluster.KillAndRestartAsync(1, run.Switches);

        token = await cluster.OperatorTokenAsync();
        var first = new Dictionary<Guid, long>();
        foreach (var e in await cluster.AllAsync<Event>("/v1/events?type=identity.user-signed-in", token))
            if (e["first"].GetBoolean() && e.UserId is { } user && ids.Contains(user))
                first.Add(user, e.Sequence);
        first.Count.ShouldBe(people);
        await cluster.CaughtUpAsync();
        cluster.MustHaveDiedAtFaultPoint();

        var decisions = await cluster.AllAsync<Decision>($"/v1/campaigns/{campaign.Id}/decisions", token);
        decisions.Count.ShouldBe(people, "a stored decision for everybody");
        decisions.Select(d => d.UserId).Distinct().Count().ShouldBe(people);
        var winners = decisions.Where(d => d.Outcome == "issued").ToList();
        winners.Select(d => d.EventSequence).ShouldBe(first.Values.Order().Take(Limit), "the 100 lowest places of the log");
        decisions.Select(d => d.Rank!.Value).ShouldBe(Enumerable.Range(1, people).Select(rank => (long)rank));
        (await cluster.ScalarAsync<long>("select count(*) from promotions.codes")).ShouldBe(Limit);
        (await cluster.ScalarAsync<long>("select count(distinct user_id) from promotions.codes")).ShouldBe(Limit);
        (await cluster.ScalarAsync<long>("select count(*) from promotions.event_log where type = 'promotions.voucher-issued.v1'"))
            .ShouldBe(Limit);
    }

    private static async Task<HashSet<Guid>> SeedAsync(TestCluster cluster, int people)
    {
        var ids = Enumerable.Range(0, people).Select(_ => Guid.CreateVersion7()).ToHashSet();
        var hash = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = FaultyBoon.FastRounds }))
            .HashPassword(null!, Password);
        await cluster.ExecuteAsync("""
            insert into identity.users (id, username, username_key, full_name, password_hash, status, roles, sign_ins)
            select id, 'seed' || id, 'seed' || id, 'Seeded', $2, 'active', array['member'], 0 from unnest($1::uuid[]) id
            """, ids.ToArray(), hash);
        return ids;
    }
}
