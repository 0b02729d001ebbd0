using Boon.Platform;
using Boon.Quests;
using Boon.Support;
using Boon.Wallet;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>What must hold of quests and the wallet in one process, each shown with its defence and, failing, without it.</summary>
[Collection("Defences")]
public sealed class QuestGuaranteeTests
{
    private static async Task<long> Diamonds(TestBoon boon, string token) =>
        (await boon.Api.Get("/v1/wallet", token)).As<WalletBalances>().Balances.Diamond;

    [Theory]
    [Defended(nameof(QuestsDefences.ConditionalClaim))]
    public Task Twenty_parallel_claims_of_one_completion_are_one_credit(DefendedRun run) => Show(run, async boon =>
    {
        var quest = await boon.CreateQuest(new { trigger = "test.claim", streak = 1, duplication = 5 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.claim.v1", user, "{}");
        await boon.CaughtUp();
        List<Task<Answer>> claims;
        // The completion is held until several want to take it: what they decided before is as old then as it can be.
        await using (await OpenTransaction.BeginAsync(boon, "select from quests.completions for update"))
        {
            claims = [.. Enumerable.Range(0, 20).Select(_ => boon.Api.Post($"/v1/quests/{quest}/claims", null, token))];
            await Eventually.Holds("claims that wait", async () => await boon.Scalar<long>("""
                select count(*)
                from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and strpos(query, 'update quests.completions') > 0
                """) > 1);
        }
        var answers = await Task.WhenAll(claims);
        answers.Count(answer => answer.Code == 201).ShouldBe(1);
        answers.Where(answer => answer.Code != 201).ShouldAllBe(answer => answer.Problem == "nothing-to-claim");
        await boon.CaughtUp();
        (await Diamonds(boon, token)).ShouldBe(10);
    });

    [Fact]
    public async Task Parallel_claims_of_five_completions_are_five_credits()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await boon.CreateQuest(new { trigger = "test.claim", streak = 1, duplication = 5 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        for (var i = 0; i < 6; i++)
            await boon.Append("test.claim.v1", user, "{}");
        await boon.CaughtUp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => boon.Api.Post($"/v1/quests/{quest}/claims", null, token)));
        answers.Where(answer => answer.Code == 201).Select(answer => answer["number"].GetInt32()).Order().ShouldBe([1, 2, 3, 4, 5]);
        await boon.CaughtUp();
        (await Diamonds(boon, token)).ShouldBe(50);
    }

    [Fact]
    public async Task A_claim_with_one_key_sent_again_and_again_is_one_claim()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await boon.CreateQuest(new { trigger = "test.claim", streak = 1, duplication = 5 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        for (var i = 0; i < 5; i++)
            await boon.Append("test.claim.v1", user, "{}");
        await boon.CaughtUp();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => boon.Api.Post($"/v1/quests/{quest}/claims", null, token, key: "once")));
        answers.Where(answer => answer.Code == 201).ShouldAllBe(answer => answer["number"].GetInt32() == 1);
        answers.ShouldAllBe(answer => answer.Code == 201 || answer.Problem == "idempotency-in-flight");
        // The same key for another quest is another claim.
        var other = await boon.CreateQuest(new { trigger = "test.claim", streak = 1, duplication = 5 });
        await boon.Append("test.claim.v1", user, "{}");
        await boon.CaughtUp();
        (await boon.Api.Post($"/v1/quests/{other}/claims", null, token, key: "once"))["questId"].GetGuid().ShouldBe(other);
        await boon.CaughtUp();
        (await Diamonds(boon, token)).ShouldBe(20);
    }

    [Theory]
    [Defended(nameof(QuestsDefences.OncePerEvent))]
    public Task An_event_that_comes_again_counts_once(DefendedRun run) => Show(run, async boon =>
    {
        if (!run.Defended)
            await boon.Execute("alter table quests.received drop constraint received_once");
        var quest = await boon.CreateQuest(new { trigger = "test.again", streak = 1, duplication = 10 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.again.v1", user, "{}");
        await boon.CaughtUp();
        await boon.Rewind("quests", QuestsModule.TrackProgressSubscription, by: 1_000);
        await boon.CaughtUp();
        (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", token)).Count.ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from quests.dead_letters")).ShouldBe(0);
    });

    [Theory]
    [Defended(nameof(WalletDefences.OncePerCompletion))]
    public Task A_completion_is_credited_once_though_its_reward_comes_twice(DefendedRun run) => Show(run, async boon =>
    {
        if (!run.Defended)
            await boon.Execute("drop index wallet.ledger_entries_once");
        await boon.CreateQuest(new { trigger = "test.twice", streak = 1, duplication = 1, autoClaim = true });
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.twice.v1", user, "{}");
        await boon.CaughtUp();
        await boon.Rewind("wallet", WalletModule.CreditRewardsSubscription, by: 1_000);
        await boon.CaughtUp();
        (await Diamonds(boon, token)).ShouldBe(10);
        (await boon.Scalar<long>("select count(*) from wallet.dead_letters")).ShouldBe(0);
    });

    [Fact]
    public async Task A_completion_whose_row_moves_while_its_reward_is_settled_is_granted()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.CreateQuest(new { trigger = "test.moved", streak = 1, duplication = 1, autoClaim = true });
        var (user, token) = (await boon.SeedMembers(1))[0];
        await using (var lane = await OpenTransaction.BeginAsync(
            boon, "select from quests.checkpoints where subscription = 'quests.settle-rewards' for update"))
        {
            await boon.Append("test.moved.v1", user, "{}");
            await Eventually.Holds(
                "the completion", async () =>
                await boon.Scalar<long>("select count(*) from quests.completions where claimed_at is not null") == 1);
            await using var move = await OpenTransaction.BeginAsync(boon, "update quests.completions set reward_id = reward_id");
            await lane.CommitAsync();
            await boon.WaitsForLock("update quests.completions");
            await move.CommitAsync();
        }
        await Eventually.Holds(
            "the reward", async () => (await boon.Api.All<Completion>("/v1/quests/completions?state=granted", token)).Count == 1);
        (await boon.Scalar<long>("select count(*) from quests.dead_letters")).ShouldBe(0);
    }

    [Theory]
    [Defended(nameof(Defences.RulesLock))]
    public Task A_change_in_the_middle_of_a_batch_applies_to_exactly_the_events_after_it(DefendedRun run) => Show(run, async boon =>
    {
        var quest = await boon.CreateQuest(new { trigger = "test.edit", streak = 1, duplication = 1_000 });
        var token = await boon.OperatorToken();
        // The batch with the events stops between its effects and its commit, having read the rules as they were. Nobody else reads
        // Identity's log here.
        using var reached = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        await boon.CaughtUp();
        var armed = 1;
        void Stop(string point)
        {
            if (point != "batch" || Interlocked.Exchange(ref armed, 0) == 0)
                return;
            reached.Release();
            release.Wait(Eventually.Longest);
        }
        FaultPoints.Reached += Stop;
        try
        {
            await boon.AppendMany("test.edit.v1", 100);
            (await reached.WaitAsync(Eventually.Longest)).ShouldBeTrue();
            var pausing = boon.Api.Patch($"/v1/quests/{quest}", new { state = "paused" }, token);
            // With the lock the change waits for the batch; without it, it is through before.
            if (run.Defended)
                await Eventually.Holds(
                    "the change to wait", async () =>
                    await boon.Scalar<bool>(
                        "select exists (select from pg_locks where relation = 'quests.rules_lock'::regclass and not granted)"));
            else
                await pausing;
            release.Set();
            (await pausing).Code.ShouldBe(200);
        }
        finally
        {
            FaultPoints.Reached -= Stop;
            release.Set();
        }
        await boon.AppendMany("test.edit.v1", 50);
        await boon.CaughtUp();
        var after = await boon.Scalar<long>(
            "select (after -> 'identity' ->> 0)::bigint from quests.versions where quest_id = $1 and version = 2", quest);
        (await boon.Scalar<long>(
            "select count(*) from quests.received where quest_id = $1 and (outcome = 'paused') <> (sequence > $2)", quest, after))
            .ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1 and outcome = 'completed'", quest))
            .ShouldBe(100);
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1 and outcome = 'paused'", quest)).ShouldBe(50);
    }, TestBoon.StartModulesAsync(
        ["identity", "quests"], ("Boon:Subscriptions:quests.track-progress:Lanes", "1"),
        ("Boon:Subscriptions:quests.track-progress:BatchSize", "500")));

    [Fact]
    public async Task Whatever_is_created_edited_or_paused_while_events_flow_each_event_is_judged_by_the_rules_after_its_change()
    {
        await using var boon = await TestBoon.StartAsync(
            ("Boon:Subscriptions:quests.track-progress:BatchSize", "20"), ("Boon:Subscriptions:quests.track-progress:Lanes", "3"));
        var token = await boon.OperatorToken();
        using var stop = new CancellationTokenSource();
        async Task FlowAsync()
        {
            while (!stop.IsCancellationRequested)
                await boon.AppendMany("test.flow.v1", 5);
        }
        var flowing = FlowAsync();
        var quest = await boon.CreateQuest(new { trigger = "test.flow", streak = 1, duplication = 1 });
        foreach (var body in (object[])[
            new { state = "paused" }, new { state = "active", streak = 2 }, new { duplication = 3 }, new { state = "paused", streak = 1 },
            new { state = "active" }])
        {
            var changed = await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest);
            await Eventually.Holds(
                "events under these rules", async () =>
                await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest) > changed + 30);
            (await boon.Api.Patch($"/v1/quests/{quest}", body, token)).Code.ShouldBe(200);
        }
        await stop.CancelAsync();
        await flowing;
        await boon.CaughtUp();
        (await boon.Scalar<long>("select max(version)::bigint from quests.versions where quest_id = $1", quest)).ShouldBe(6);
        // The version of an event is the last one whose change came before it, in the event's own lane.
        (await boon.Scalar<long>("""
            select count(*) from quests.received r where r.quest_id = $1 and r.version <> (
                select max(v.version) from quests.versions v where v.quest_id = r.quest_id
                    and r.sequence > (v.after -> r.source ->> (get_byte(uuid_send(r.user_id), 14) * 256 + get_byte(uuid_send(r.user_id),
                        15)) % 3)::bigint)
            """, quest)).ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from quests.received r join quests.versions v using (quest_id, version) where (r.outcome "
            + "= 'paused') <> (v.state = 'paused')")).ShouldBe(0);
        // Everything that came after the quest was created was received.
        (await boon.Scalar<long>("""
            select count(*) from identity.event_order o join identity.event_log l on l.position = o.position
            where l.type = 'test.flow.v1' and o.sequence > (select (counts_after ->> 'identity')::bigint from quests.quests where id = $1)
              and not exists (select from quests.received r where r.quest_id = $1 and r.sequence = o.sequence and r.user_id = l.userid
                  and r.source = 'identity')
            """, quest)).ShouldBe(0);
    }
}
