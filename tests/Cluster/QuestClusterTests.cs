using System.Collections.Concurrent;
using System.Net;
using Boon.Platform;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// Two processes on one database that die again and again while events flow and members claim: every event is counted once, every
/// completion credited once.
/// </summary>
public sealed class QuestClusterTests
{
    private const int EventsEach = 30;
    private const int Streak = 4;
    private const int Duplication = 5;

    [Theory]
    [Defended(nameof(Defences.AtomicCheckpoint))]
    public Task Every_completion_is_credited_once_though_processes_are_killed(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunAsync(run));

    private static async Task RunAsync(DefendedRun run)
    {
        // Without the defence the first death breaks it.
        var (people, deaths) = run.Defended ? (100, 2) : (40, 1);
        await using var cluster = await TestCluster.CreateAsync(2);
        // Each incarnation kills itself inside its 3rd batch, between effects and commit.
        string[] switches = ["--kill-at", "batch:3", .. run.Switches];
        await cluster.StartAllAsync(switches);
        var mint = await TokenMint.CreateAsync(cluster.Source);
        var members = Enumerable.Range(0, people).Select(_ => Guid.CreateVersion7()).ToList();
        var automatic = await QuestAsync(cluster, "gold", autoClaim: true);
        var manual = await QuestAsync(cluster, "diamond", autoClaim: false);

        for (var death = 0; death < deaths; death++)
        {
            foreach (var chunk in members.Chunk(10))
                await cluster.ExecuteAsync("""
                    insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid)
                    select gen_random_uuid(), 'test', 't', 'test.step.v1', '{}', u from unnest($1::uuid[]) u, generate_series(1, $2)
                    """, chunk, EventsEach / deaths);
            // There is more to do than four batches: one of the two dies inside its third. The other is killed from outside, wherever it
            // is.
            var died = await cluster.DiedAtFaultPointAsync();
            await cluster.KillAndRestartAsync(1 - died, switches);
            await cluster.KillAndRestartAsync(died, switches);
        }
        // Members claim at both processes, which go on dying, until nothing is left.
        var granted = new ConcurrentBag<Guid>();
        var claimable = new ConcurrentQueue<Guid>(members);
        async Task ClaimAsync(int worker)
        {
            while (claimable.TryDequeue(out var member))
            {
                // A key makes a claim repeatable: the client does not know whether the process died before or after its commit.
                for (var number = 1; number <= Duplication;)
                {
                    var answer = await cluster.RetryAsync(api =>
                        api.Post($"/v1/quests/{manual}/claims", null, mint.Token(member), key: $"claim {number}"), worker);
                    if (answer.Status == HttpStatusCode.Created)
                    {
                        granted.Add(member);
                        number++;
                        continue;
                    }
                    answer.Problem.ShouldBeOneOf("nothing-to-claim", "idempotency-in-flight");
                    if (answer.Problem == "nothing-to-claim" && await cluster.ScalarAsync<bool>(Quiet.Sql))
                        break;
                    await Task.Delay(TestCluster.Pause);
                }
            }
        }
        await Task.WhenAll(Enumerable.Range(0, 8).Select(ClaimAsync));
        await cluster.KillAndRestartAsync(0);
        await cluster.KillAndRestartAsync(1);
        await cluster.CaughtUpAsync();
        cluster.MustHaveDiedAtFaultPoint(deaths);
        granted.Count.ShouldBe(people * Duplication);
        await EachIsCreditedOnceAsync(cluster, people, automatic, manual);
        await ReplayAgreesAsync(cluster);
    }

    [Theory]
    [Defended(nameof(Defences.AtomicCheckpoint))]
    public Task What_is_reversed_is_taken_back_once_though_processes_are_killed(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => ReverseAsync(run));

    private static async Task ReverseAsync(DefendedRun run)
    {
        const int orders = 20;
        var (people, deaths) = run.Defended ? (60, 2) : (40, 1);
        await using var cluster = await TestCluster.CreateAsync(2);
        string[] switches = ["--kill-at", "batch:3", .. run.Switches];
        await cluster.StartAllAsync(switches);
        var members = Enumerable.Range(0, people).Select(_ => Guid.CreateVersion7()).ToList();
        var quest = await QuestAsync(cluster, "gold", autoClaim: true, reversedBy: "test.back");
        for (var death = 0; death < deaths; death++)
        {
            // Each order is placed, and all but every fourth are cancelled after the next was placed.
            foreach (var chunk in members.Chunk(10))
                await cluster.ExecuteAsync("""
                    insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid)
                    select gen_random_uuid(), 'test', about, type, '{}', u
                    from unnest($1::uuid[]) u
                    cross join generate_series(1, $2) i
                    cross join lateral (
                        values (1, 'test.step.v1', $3 || '-' || i), (2, 'test.back.v1', $3 || '-' || (i - 1))
                    ) e (place, type, about)
                    where place = 1 or i % 4 <> 0
                    order by i, u, place
                    """, chunk, orders, $"round {death}");
            var died = await cluster.DiedAtFaultPointAsync();
            await cluster.KillAndRestartAsync(1 - died, switches);
            await cluster.KillAndRestartAsync(died, switches);
        }
        await cluster.KillAndRestartAsync(0);
        await cluster.KillAndRestartAsync(1);
        await cluster.CaughtUpAsync();
        cluster.MustHaveDiedAtFaultPoint(deaths);
        // Of 20 orders stand the 3rd, 7th, 11th, 15th and 19th, and the last: no later one cancels it.
        var standing = 6 * deaths;
        (await cluster.ScalarAsync<bool>(
            "select bool_and(completions = $1 and streak = $2) and count(*) = $3 from quests.progress where quest_id = $4",
            standing / Streak, standing % Streak, people, quest)).ShouldBeTrue();
        (await cluster.ScalarAsync<bool>(
            "select bool_and(gold = $1) and count(*) = $2 from (select sum(amount) gold from wallet.ledger_entries group by user_id) w",
            (decimal)(3 * (standing / Streak)), people)).ShouldBeTrue();
        (await cluster.ScalarAsync<long>("select count(*) from quests.dead_letters")).ShouldBe(0);
        await ReplayAgreesAsync(cluster);
    }

    private static async Task EachIsCreditedOnceAsync(TestCluster cluster, int people, params Guid[] quests)
    {
        (await cluster.ScalarAsync<long>("select count(*) from quests.received"))
            .ShouldBe(2 * people * EventsEach, "every event was received once by each quest");
        foreach (var quest in quests)
            (await cluster.ScalarAsync<long>(
                "select count(*) from quests.completions where quest_id = $1 and claimed_at is not null and granted_at is not null", quest))
                .ShouldBe(people * Duplication);
        (await cluster.ScalarAsync<long>("select count(*) from wallet.ledger_entries")).ShouldBe(2 * people * Duplication);
        (await cluster.ScalarAsync<bool>("""
            select bool_and(gold = 15 and diamond = 15)
            from (
                select sum(amount) filter (where item = 'gold') gold, sum(amount) filter (where item = 'diamond') diamond
                from wallet.ledger_entries
                group by user_id) w
            """)).ShouldBeTrue();
    }

    private static async Task<Guid> QuestAsync(TestCluster cluster, string item, bool autoClaim, string? reversedBy = null)
    {
        var token = await cluster.OperatorTokenAsync();
        var reward = await cluster.RetryAsync(api => api.Post("/v1/rewards", new { name = item, item, quantity = 3 }, token));
        var quest = new
        {
            name = item, rewardId = reward.Id, trigger = "test.step", reversedBy, streak = Streak, duplication = Duplication, autoClaim,
        };
        return (await cluster.RetryAsync(api => api.Post("/v1/quests", quest, token))).Id;
    }

    private static async Task ReplayAgreesAsync(TestCluster cluster)
    {
        var replay = BoonProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__Boon"] = cluster.Database }, "replay", "quests", "--check", "--data",
            Directory.CreateTempSubdirectory("boon-replay-").FullName);
        await using (replay)
        {
            (await replay.Exited()).ShouldBe(0, replay.Output);
            replay.Output.ShouldContain("The live state equals the events.");
        }
    }
}
