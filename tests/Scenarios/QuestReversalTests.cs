using Boon.Platform;
using Boon.Quests;
using Boon.Support;
using Boon.Wallet;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>Quests that name an event that reverses what counted: what is placed and cancelled gives nothing.</summary>
[Collection("Defences")]
public sealed class QuestReversalTests
{
    private static async Task<long> Gold(TestBoon boon, string token) =>
        (await boon.Api.Get("/v1/wallet", token)).As<WalletBalances>().Balances.Gold;

    private static async Task<int[]> Counts(TestBoon boon, Guid quest, string token) =>
        (await boon.Api.All<Progress>("/v1/quests/progress", token)).Single(row => row.QuestId == quest).Counts;

    private static async Task<Guid> Quest(
        TestBoon boon, int streak = 1, int duplication = 3, bool autoClaim = true, object? window = null) =>
        await boon.CreateQuest(new
        {
            trigger = "test.paid", reversedBy = "test.returned", streak, duplication, autoClaim, window,
            rewardId = await boon.CreateReward("gold", 5),
        });

    private static async Task ReplayAgrees(TestBoon boon)
    {
        var replay = await boon.Replay("quests", checkOnly: true);
        replay.Equal.ShouldBeTrue(string.Join("; ", replay.Parts));
    }

    [Fact]
    public async Task An_order_that_is_placed_and_cancelled_again_and_again_gives_nothing_and_one_that_stands_gives_its_gold()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await boon.CreateQuest(new
        {
            trigger = "orders.order-confirmed", reversedBy = "orders.order-cancelled", streak = 1, duplication = 3, autoClaim = true,
            rewardId = await boon.CreateReward("gold", 5),
        });
        (await boon.Api.Get($"/v1/quests/{quest}"))["reversedBy"].GetString().ShouldBe("orders.order-cancelled");
        var (_, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        var order = new { product = "book", quantity = 1, total = new { amount = 2_000, currency = "USD" } };
        for (var i = 1; i <= 5; i++)
        {
            var placed = await Eventually.Get("the user to be known", async () =>
                await boon.Api.Post("/v1/orders", order, token) is { Code: 201 } answer ? answer : null);
            await boon.CaughtUp();
            (await Gold(boon, token)).ShouldBe(5, $"order {i}");
            (await boon.Api.Post($"/v1/orders/{placed.Id}/cancel", null, token)).Code.ShouldBe(200);
            await boon.CaughtUp();
            (await Gold(boon, token)).ShouldBe(0, $"order {i}, cancelled");
            (await Counts(boon, quest, token)).ShouldBe([0, 1, 0, 3, 0]);
        }
        (await boon.Api.Post("/v1/orders", order, token)).Code.ShouldBe(201);
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(5);

        var entries = await boon.Api.All<WalletEntry>("/v1/wallet/entries", token);
        entries.Select(entry => (entry.Amount, entry.Reason, entry.Number)).ShouldBe(
            Enumerable.Range(1, 5).SelectMany(number => new[] { (5L, "quest-reward", number), (-5L, "quest-withdrawn", number) })
                .Append((5L, "quest-reward", 6)).Reverse());
        (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", token)).Select(one => (one.Number, one.State))
            .ShouldBe([(6, "granted"), (5, "withdrawn"), (4, "withdrawn"), (3, "withdrawn"), (2, "withdrawn"), (1, "withdrawn")]);
        (await boon.Api.All<Completion>("/v1/quests/completions?state=withdrawn", token)).Count.ShouldBe(5);
        (await boon.Api.All<Completion>("/v1/quests/completions?state=granted", token)).Single().Number.ShouldBe(6);
        var received = await boon.Api.All<Received>($"/v1/quests/events?questId={quest}", token);
        received.Take(3).Select(one => (one.Outcome, one.Reversed, one.Completions))
            .ShouldBe([("completed", false, 1), ("reversed", false, 0), ("completed", true, 1)]);
        (await boon.Api.Get($"/v1/quests/{quest}/steps", await boon.OperatorToken())).As<QuestSteps>().Steps
            .ShouldBe([new Step(1, 0, 1)]);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task What_was_not_claimed_can_no_longer_be_claimed_and_steps_go_back()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await Quest(boon, streak: 2, duplication: 1, autoClaim: false);
        var (user, token) = (await boon.SeedMembers(1))[0];
        foreach (var about in (string[])["a", "b"])
            await boon.Append("test.paid.v1", user, "{}", about);
        await boon.CaughtUp();
        (await Counts(boon, quest, token)).ShouldBe([0, 2, 1, 1, 1]);
        await boon.Append("test.returned.v1", user, "{}", "b");
        await boon.CaughtUp();
        (await Counts(boon, quest, token)).ShouldBe([1, 2, 0, 1, 0]);
        (await boon.Api.Post($"/v1/quests/{quest}/claims", null, token)).Problem.ShouldBe("nothing-to-claim");
        (await boon.Api.All<Completion>("/v1/quests/completions", token)).ShouldBeEmpty();
        await boon.Append("test.paid.v1", user, "{}", "c");
        await boon.CaughtUp();
        var claim = await boon.Api.Post($"/v1/quests/{quest}/claims", null, token);
        (claim.Code, claim["number"].GetInt32()).ShouldBe((201, 2), "the number of the one that was withdrawn is not given again");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(5);
        var events = (await boon.Api.Get($"/v1/events?module=quests&userId={user}", await boon.OperatorToken())).Page<Event>();
        events.Select(e => e.Type).ShouldBe([
            "quests.reward-claimed.v1", "quests.quest-completed.v1", "quests.completion-withdrawn.v1", "quests.progress-reversed.v1",
            "quests.quest-completed.v1", "quests.quest-progressed.v1"]);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task A_reversal_of_nothing_of_another_users_or_of_what_was_reversed_changes_nothing()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await Quest(boon);
        var kept = await boon.CreateQuest(new { trigger = "test.paid", streak = 1, duplication = 3, autoClaim = true });
        var ((user, token), (other, _)) = (await boon.SeedMembers(2)) is [var one, var two] ? (one, two) : default;
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.Append("test.returned.v1", other, "{}", "a");
        await boon.Append("test.returned.v1", user, "{}", "b");
        await boon.Append("test.returned.v1", null, "{}", "a");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(5);
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.Append("test.returned.v2", user, "{}", "a");
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(5, "what came after it stands, about whatever it is");
        (await Counts(boon, quest, token)).ShouldBe([0, 1, 1, 3, 0]);
        (await Counts(boon, kept, token)).ShouldBe([0, 1, 2, 3, 0], "a quest that names no reversal");
        (await boon.Scalar<long>("select count(*) from quests.received where outcome = 'reversed'")).ShouldBe(1);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task A_quest_that_is_paused_or_has_ended_still_takes_back()
    {
        await using var boon = await TestBoon.StartAsync();
        var quests = new[] { await Quest(boon), await Quest(boon) };
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(10);
        foreach (var (quest, state) in quests.Zip(["paused", "ended"]))
            (await boon.Api.Patch($"/v1/quests/{quest}", new { state }, await boon.OperatorToken())).Code.ShouldBe(200);
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(0);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task Of_two_on_one_day_the_other_one_counts_when_the_first_is_reversed()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await Quest(boon, duplication: 9, window: new { unit = "day", timeZone = "UTC" });
        var (user, token) = (await boon.SeedMembers(1))[0];
        foreach (var about in (string[])["a", "b"])
            await boon.Append("test.paid.v1", user, "{}", about);
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.CaughtUp();
        (await Counts(boon, quest, token))[2].ShouldBe(1);
        (await Gold(boon, token)).ShouldBe(5);
        await boon.Append("test.returned.v1", user, "{}", "b");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(0);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task Other_systems_say_with_subject_what_their_events_are_about()
    {
        await using var boon = await TestBoon.StartAsync();
        var created = await boon.Api.Post("/v1/quests", new
        {
            name = "Paid", trigger = "external.shop.paid", reversedBy = "external.shop.returned", autoClaim = true,
            rewardId = await boon.CreateReward("gold", 5),
        }, await boon.OperatorToken());
        created.Code.ShouldBe(201, created.Text);
        created["warnings"].EnumerateArray().Select(one => one.GetString())
            .ShouldBe(["No external.shop.paid was reported so far.", "No external.shop.returned was reported so far."]);
        var (user, token) = (await boon.SeedMembers(1))[0];
        async Task Report(string type, string id, string? subject) => (await boon.Api.Raw(
            HttpMethod.Post, "/v1/events", System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
                new { specversion = "1.0", id, source = "/shop", type, subject, userid = user.ToString() }),
            "application/cloudevents+json", await boon.OperatorToken())).Code.ShouldBe(subject == "" ? 400 : 202);
        await Report("shop.paid", "1", "order 17");
        await Report("shop.returned", "2", null);
        await Report("shop.returned", "3", "");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(5);
        await Report("shop.returned", "4", "order 17");
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(0);
        var events = (await boon.Api.Get("/v1/events?module=intake", await boon.OperatorToken())).Page<Event>();
        events.Select(e => e.Subject).ShouldBe(["external/order 17", "external//shop#2", "external/order 17"]);
    }

    [Fact]
    public async Task Coupons_cannot_be_taken_back_so_a_quest_that_names_a_reversal_gives_none()
    {
        await using var boon = await TestBoon.StartAsync();
        var coupon = await boon.CreateReward("coupon:SOME", 1);
        var quest = await Quest(boon);
        var token = await boon.OperatorToken();
        foreach (var answer in (Answer[])[
            await boon.Api.Patch($"/v1/quests/{quest}", new { rewardId = coupon }, token),
            await boon.Api.Post(
                "/v1/quests", new { name = "q", rewardId = coupon, trigger = "test.paid", reversedBy = "test.gone" }, token)])
            answer["errors"].GetProperty("rewardId")[0].GetString()!.ShouldStartWith("must give gold or diamonds");
        (await boon.Api.Patch($"/v1/quests/{quest}", new { reversedBy = "test.gone" }, token)).Code.ShouldBe(400, "it never changes");
    }

    [Theory]
    [Defended(nameof(QuestsDefences.WithdrawalSeesClaim))]
    public Task What_is_claimed_while_it_is_withdrawn_is_taken_back(DefendedRun run) => Show(run, async boon =>
    {
        await Quest(boon, autoClaim: false);
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.CaughtUp();
        var quest = (await boon.Api.All<Completion>("/v1/quests/completions", token)).Single().QuestId;
        using var reached = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        var armed = 1;
        void Stop(string point)
        {
            if (point != "withdraw" || Interlocked.Exchange(ref armed, 0) == 0)
                return;
            reached.Release();
            release.Wait(Eventually.Longest);
        }
        FaultPoints.Reached += Stop;
        try
        {
            await boon.Append("test.returned.v1", user, "{}", "a");
            (await reached.WaitAsync(Eventually.Longest)).ShouldBeTrue();
            (await boon.Api.Post($"/v1/quests/{quest}/claims", null, token)).Code.ShouldBe(201);
        }
        finally
        {
            FaultPoints.Reached -= Stop;
            release.Set();
        }
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(0);
        (await boon.Api.All<WalletEntry>("/v1/wallet/entries", token)).Select(entry => entry.Amount).ShouldBe([-5, 5]);
        await ReplayAgrees(boon);
    }, TestBoon.StartModulesAsync(["identity", "quests", "wallet"]));

    [Theory]
    [Defended(nameof(WalletDefences.OncePerCompletion))]
    public Task A_completion_is_taken_back_once_though_its_withdrawal_comes_twice(DefendedRun run) => Show(run, async boon =>
    {
        if (!run.Defended)
            await boon.Execute("drop index wallet.ledger_entries_once");
        await Quest(boon);
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.CaughtUp();
        (await boon.Scalar<string>("select coalesce(string_agg(d::text, ';'), '') from quests.dead_letters d")).ShouldBe("");
        var last = await boon.Scalar<long>("select last from quests.log_head");
        var gone = await boon.Scalar<long>("""
            select o.sequence
            from quests.event_log l
            join quests.event_order o on o.position = l.position
            where l.type = 'quests.completion-withdrawn.v1'
            """);
        await boon.Rewind("wallet", WalletModule.CreditRewardsSubscription, by: last - gone + 1);
        await boon.CaughtUp();
        (await Gold(boon, token)).ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from wallet.ledger_entries")).ShouldBe(2);
    });

    [Fact]
    public async Task A_reversal_that_comes_again_takes_back_nothing_that_came_after_it()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await Quest(boon);
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.Append("test.returned.v1", user, "{}", "a");
        await boon.Append("test.paid.v1", user, "{}", "a");
        await boon.CaughtUp();
        await boon.Rewind("quests", QuestsModule.TrackProgressSubscription, by: 1_000);
        await boon.CaughtUp();
        (await Counts(boon, quest, token)).ShouldBe([0, 1, 1, 3, 0]);
        (await Gold(boon, token)).ShouldBe(5);
        await ReplayAgrees(boon);
    }

    [Fact]
    public async Task A_damaged_state_of_reversed_events_is_put_right_by_a_replay()
    {
        await using var boon = await TestBoon.StartAsync();
        var quests = new[] { await Quest(boon, duplication: 9), await Quest(boon, streak: 2, autoClaim: false) };
        var members = await boon.SeedMembers(4);
        foreach (var (user, _) in members)
            for (var i = 0; i < 12; i++)
                await boon.Append(i % 3 == 2 ? "test.returned.v1" : "test.paid.v1", user, "{}", $"{i / 3 * 3}");
        await boon.CaughtUp();
        const string whole = """
            select concat((select string_agg(p::text, ';' order by quest_id, user_id) from quests.progress p),
                (select string_agg(
                    concat_ws(',', quest_id, user_id, number, source, sequence, claimed_at is null, withdrawn_at is null), ';'
                    order by quest_id, user_id, number) from quests.completions))
            """;
        var before = await boon.Scalar<string>(whole);
        before.ShouldNotBeNullOrEmpty();
        await boon.Execute("update quests.progress set withdrawn = withdrawn + 1 where user_id = $1", members[0].Id);
        await boon.Execute("update quests.completions set withdrawn_at = null where user_id = $1", members[1].Id);
        await boon.Execute("delete from quests.completions where user_id = $1", members[2].Id);
        await boon.Execute("""
            insert into quests.completions (quest_id, user_id, number, version, source, sequence, completed_at, reward_id)
            select $2, user_id, 1, version, source, sequence, completed_at, reward_id
            from quests.completions
            where quest_id = $1 and user_id = $3
            limit 1
            """, quests[0], quests[1], members[3].Id);
        var report = await boon.Replay("quests", checkOnly: false);
        report.Equal.ShouldBeFalse();
        report.Proof.ShouldNotBeNull().ShouldAllBe(part => part.Equal);
        (await boon.Scalar<string>(whole)).ShouldBe(before);
    }

    [Fact]
    public async Task A_replay_while_events_come_and_are_reversed_finds_the_live_state_equal()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Subscriptions:quests.track-progress:Lanes", "2"));
        await Quest(boon, streak: 2, duplication: 50);
        var users = (await boon.SeedMembers(8)).ConvertAll(member => member.Id);
        using var stop = new CancellationTokenSource();
        async Task FlowAsync()
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await boon.Append(i % 3 == 0 ? "test.returned.v1" : "test.paid.v1", users[i % 8], "{}", $"{i / 40 % 5}");
        }
        var flowing = FlowAsync();
        for (var i = 0; i < 4; i++)
        {
            var before = await boon.Scalar<long>("select count(*) from quests.received");
            await Eventually.Holds(
                "more events", async () => await boon.Scalar<long>("select count(*) from quests.received") > before + 40);
            var report = await boon.Replay("quests", checkOnly: false);
            (report.Equal, report.Mended).ShouldBe((true, 0L), string.Join("; ", report.Parts));
        }
        await stop.CancelAsync();
        await flowing;
        await boon.CaughtUp();
        await ReplayAgrees(boon);
    }
}
