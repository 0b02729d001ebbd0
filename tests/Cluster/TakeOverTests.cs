using System.Text.Json;
using Boon.Platform;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// A process that freezes (SIGSTOP) inside a transaction, holding a lock: another takes over, and the frozen one writes nothing when it
/// wakes.
/// </summary>
public sealed class TakeOverTests
{
    /// <summary>Without the limit of 10 s on idle transactions the lock is held for as long as the holder is frozen.</summary>
    private static readonly TimeSpan NeverWithin = TimeSpan.FromSeconds(15);

    [Theory]
    [Defended(nameof(Defences.IdleTransactionTimeout), "batch", "sequencer")]
    public Task A_frozen_holder_is_taken_over_and_writes_nothing_when_it_wakes(string point, DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunAsync(point, run));

    private static async Task RunAsync(string point, DefendedRun run)
    {
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAsync(0, run.Switches);
        var token = await cluster.OperatorTokenAsync();
        var campaign = await cluster.Api(0).Post("/v1/campaigns", new
        {
            name = "Every sign-in",
            trigger = "identity.user-signed-in",
            limit = 10,
            benefit = new { kind = "percent", value = 30 },
            voucherValidFor = "P30D",
        }, token);
        await cluster.CaughtUpAsync();
        await cluster[0].Kill();

        // The operator's next sign-in is the event that the frozen holder has judged (or numbered) but not committed.
        await cluster.StartAsync(0, [.. run.Switches, "--freeze-at", $"{point}:1"]);
        var frozen = cluster[0];
        var signIn = cluster.Api(0).Post("/v1/sessions", new { identifier = "operator", password = "operator of the cluster" });
        await frozen.Signalled();
        await cluster.StartAsync(1, run.Switches);
        await cluster.CaughtUpAsync(run.Defended ? Eventually.Longest : NeverWithin);

        frozen.Thaw();
        await Eventually.Holds("the thawed process", async () =>
        {
            try
            {
                return (await cluster.Api(0).Get("/health/ready")).Code == 200;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        await signIn;
        (await cluster.RetryAsync(api =>
            api.Post("/v1/sessions", new { identifier = "operator", password = "operator of the cluster" }))).Code.ShouldBe(200);
        await cluster.CaughtUpAsync();
        var decisions = await cluster.AllAsync<Decision>($"/v1/campaigns/{campaign.Id}/decisions", token);
        decisions.Select(d => d.EventSequence).ShouldBeUnique();
        decisions.Count.ShouldBe(2);
        (await cluster.ScalarAsync<long>("select count(*) from identity.event_order"))
            .ShouldBe(await cluster.ScalarAsync<long>("select last from identity.log_head"));
        (await cluster.ScalarAsync<long>("select count(*) from promotions.codes")).ShouldBe(1);
    }

    /// <summary>In the middle of COPY a session is neither idle nor cancelled by a time-out: another process has to end it.</summary>
    [Theory]
    [Defended(nameof(Defences.FrozenSessions))]
    public Task A_holder_that_froze_in_the_middle_of_COPY_is_taken_over(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunCopyAsync(run));

    private static async Task RunCopyAsync(DefendedRun run)
    {
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAsync(0, [.. run.Switches, "--freeze-at", "copy:1"]);
        var frozen = cluster[0];
        var token = await cluster.OperatorTokenAsync();
        var reward = await cluster.Api(0).Post("/v1/rewards", new { name = "Gold", item = "gold", quantity = 1 }, token);
        var quest = await cluster.Api(0)
            .Post("/v1/quests", new { name = "Steps", rewardId = reward.Id, trigger = "test.step", streak = 3, duplication = 1 }, token);
        quest.Code.ShouldBe(201);
        await cluster.ExecuteAsync("""
            insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid)
            select gen_random_uuid(), 'test', 't', 'test.step.v1', '{}', gen_random_uuid() from generate_series(1, 20)
            """);
        await frozen.Signalled();
        (await cluster.ScalarAsync<bool>("select exists (select from pg_stat_progress_copy where relid = 'quests.received'::regclass)"))
            .ShouldBeTrue();
        await cluster.StartAsync(1, run.Switches);
        await cluster.CaughtUpAsync(run.Defended ? Eventually.Longest : NeverWithin);

        frozen.Thaw();
        await cluster.CaughtUpAsync();
        (await cluster.ScalarAsync<long>("select count(*) from quests.received")).ShouldBe(20);
        (await cluster.ScalarAsync<long>("select count(*) from quests.progress where received = 1")).ShouldBe(20);
    }

    /// <summary>An upload holds the turn of all uploads until it commits; its COPY stands still with its process.</summary>
    [Theory]
    [Defended(nameof(Defences.FrozenSessions))]
    public Task An_upload_that_froze_gives_the_next_one_its_turn(DefendedRun run) => Guarantee.Show(run.Defended, async () =>
    {
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAsync(0, [.. run.Switches, "--freeze-at", "upload:1"]);
        var token = await cluster.OperatorTokenAsync();
        async Task<Answer> Upload(int process, int count) => await cluster.Api(process).Post("/v1/coupons", new
        {
            coupons = Enumerable.Range(0, count)
                .Select(i =>
                new { code = $"OF-{process}-{i}", type = "STANDARD", discount = new { kind = "percent", value = 10 },
                expiresAt = "2090-01-01T00:00:00Z" }),
        }, token);
        var frozen = Upload(0, 500);
        await cluster[0].Signalled();
        await cluster.StartAsync(1, run.Switches);
        await Eventually.Holds("the other upload", async () => (await Upload(1, 300)).Code == 201, run.Defended ? null : NeverWithin);

        cluster[0].Thaw();
        (await frozen).Code.ShouldBeGreaterThanOrEqualTo(500, "its session is gone");
        (await cluster.ScalarAsync<long>("select count(*) from promotions.codes")).ShouldBe(300);
        (await cluster.ScalarAsync<long>("select sum(uploaded)::bigint from promotions.coupon_counts where type = 'STANDARD'"))
            .ShouldBe(300);
        (await Upload(0, 500)).Code.ShouldBe(201);
    });
}
