using System.Net.Http.Headers;
using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>
/// The tests share a host: quests of one may count the sign-ins of another's users, so each looks at what its own quest gave.
/// </summary>
public sealed class QuestTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private async Task<Progress> Progress(Guid quest, string token) =>
        (await boon.Api.All<Progress>("/v1/quests/progress", token)).Single(row => row.QuestId == quest);

    private async Task<(long Gold, long Diamond)> Wallet(string token)
    {
        var balances = (await boon.Api.Get("/v1/wallet", token)).As<WalletBalances>().Balances;
        return (balances.Gold, balances.Diamond);
    }

    [Fact]
    public async Task Sign_in_three_times_for_ten_diamonds_at_most_twice()
    {
        var quest = await boon.CreateQuest(new { name = "Sign in three times", description = "The worked example" });
        var (_, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        await boon.CaughtUp();
        (await Progress(quest, token)).Counts.ShouldBe([1, 3, 0, 2, 0]);
        (await boon.Api.Post($"/v1/quests/{quest}/claims", null, token)).Problem.ShouldBe("nothing-to-claim");
        for (var signIn = 2; signIn <= 8; signIn++)
        {
            token = await boon.Api.SignIn(username, password);
            await boon.CaughtUp();
            (await Progress(quest, token)).Counts.ShouldBe(signIn switch
            {
                2 => [2, 3, 0, 2, 0],
                3 => [0, 3, 1, 2, 1],
                4 => [1, 3, 1, 2, 1],
                5 => [2, 3, 1, 2, 1],
                _ => [0, 3, 2, 2, 2],
            }, $"after sign-in {signIn}");
        }
        var received = await boon.Api.All<Received>($"/v1/quests/events?questId={quest}", token);
        received.Select(e => e.Outcome).ShouldBe(
            ["all-completed", "all-completed", "completed", "progressed", "progressed", "completed", "progressed", "progressed"],
            "every sign-in is recorded, newest first");
        received.Select(e => e.EventSequence).ShouldBeInOrder(SortDirection.Descending);

        foreach (var balance in (int[])[10, 20])
        {
            var claim = await boon.Api.Post($"/v1/quests/{quest}/claims", null, token);
            (claim.Code, claim["number"].GetInt32(), claim["state"].GetString()).ShouldBe((201, balance / 10, "pending"));
            claim.As<Completion>().Reward.Item.ShouldBe("diamond");
            await boon.CaughtUp();
            (await Wallet(token)).Diamond.ShouldBe(balance);
        }
        var third = await boon.Api.Post($"/v1/quests/{quest}/claims", null, token);
        (third.Code, third.Problem).ShouldBe((409, "nothing-to-claim"));

        var entries = (await boon.Api.All<WalletEntry>("/v1/wallet/entries", token)).FindAll(entry => entry.QuestId == quest);
        entries.Select(entry => (entry.Item, entry.Amount, entry.Number)).ShouldBe([("diamond", 10, 2), ("diamond", 10, 1)]);
        foreach (var entry in entries)
        {
            var cause = (await boon.Api.Get($"/v1/events?type=quests.reward-claimed&userId={await Me(token)}", await boon.OperatorToken()))
                .Page<Event>().Single(e => e.Id == entry.EventId);
            cause["number"].GetInt32().ShouldBe(entry.Number);
        }
        var history = await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", token);
        history.Select(one => (one.Number, one.State)).ShouldBe([(2, "granted"), (1, "granted")]);
    }

    private async Task<Guid> Me(string token) => (await boon.Api.Get("/v1/users/me", token)).Id;

    [Fact]
    public async Task Automatic_claims_give_the_same_with_no_call()
    {
        var quest = await boon.CreateQuest(new { autoClaim = true, rewardId = await boon.CreateReward("gold", 7) });
        var (_, username, password) = await boon.Register();
        var token = "";
        for (var signIn = 1; signIn <= 7; signIn++)
            token = await boon.Api.SignIn(username, password);
        await boon.CaughtUp();
        (await Progress(quest, token)).Counts.ShouldBe([0, 3, 2, 2, 0]);
        (await Wallet(token)).Gold.ShouldBe(14);
        (await boon.Api.Post($"/v1/quests/{quest}/claims", null, token)).Problem.ShouldBe("nothing-to-claim");
        (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", token)).ShouldAllBe(one => one.State == "granted");
    }

    [Fact]
    public async Task A_quest_counts_the_events_of_its_trigger_that_have_the_members_of_when()
    {
        var trigger = "test.bought";
        var quest = await boon.CreateQuest(new { trigger, when = new { product = "book" }, streak = 2, duplication = 1 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        foreach (var (type, data) in ((string, string)[])[
            ("test.bought.v1", """{"product":"book"}"""), ("test.bought.v1", """{"product":"pen"}"""),
            ("test.bough.v1", """{"product":"book"}"""), ("test.bought", """{"product":"book","n":1}""")])
            await boon.Append(type, user, data);
        await boon.Append("test.bought.v1", null, """{"product":"book"}""");
        await boon.CaughtUp();
        (await Progress(quest, token)).Counts.ShouldBe([0, 2, 1, 1, 1]);
        (await boon.Api.All<Received>($"/v1/quests/events?questId={quest}", token)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_windowed_quest_counts_one_event_a_day_of_its_zone_and_starts_again_after_a_missed_one()
    {
        var quest = await boon.CreateQuest(
            new { trigger = "test.daily", streak = 3, duplication = 5, window = new { unit = "day", timeZone = "Europe/Amsterdam" } });
        var (user, token) = (await boon.SeedMembers(1))[0];
        // Over the night of 2026-03-29, when the clocks go forward: 22:59Z is still the 28th, 23:00Z is the 29th, 22:00Z the 30th.
        foreach (var at in (string[])[
            "2026-03-28T12:00:00Z", "2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z",
            "2026-03-31T12:00:00Z", "2026-04-02T12:00:00Z"])
            await boon.Execute("""
                insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid, time)
                values ($1, 'test', 't', 'test.daily.v1', '{}', $2, $3)
                """, Guid.CreateVersion7(), user, DateTime.Parse(at, null, System.Globalization.DateTimeStyles.AdjustToUniversal));
        await boon.CaughtUp();
        (await boon.Api.All<Received>($"/v1/quests/events?questId={quest}", token)).AsEnumerable().Reverse()
            .Select(e => (e.Outcome, e.Streak)).ShouldBe(
                [("progressed", 1), ("already-counted", 1), ("progressed", 2), ("already-counted", 2), ("completed", 0), ("progressed", 1),
                    ("progressed", 1)]);
        (await Progress(quest, token)).Counts.ShouldBe([0, 3, 1, 5, 1], "what was counted in April is worth nothing by now");
    }

    [Fact]
    public async Task Reads_of_the_catalog_come_with_an_ETag_and_304_and_are_never_stale_for_who_changed_it()
    {
        var reward = await boon.CreateReward("gold", 50);
        var quest = await boon.CreateQuest(new { name = "Catalog", rewardId = reward });
        var list = await boon.Api.Get("/v1/quests");
        list.Page<Quest>()[0].Name.ShouldBe("Catalog");
        var one = await boon.Api.Get($"/v1/quests/{quest}");
        one.As<Quest>().Reward.Quantity.ShouldBe(50);
        var tag = one.Headers.ETag.ShouldNotBeNull();
        async Task<Answer> IfNoneMatch(string value) =>
            await boon.Api.Send(
                HttpMethod.Get, $"/v1/quests/{quest}", null, null, change: request => request.Headers.TryAddWithoutValidation(
                    "If-None-Match", value));
        var again = await IfNoneMatch(tag.ToString());
        (again.Code, again.Text, again.Headers.ETag).ShouldBe((304, "", tag));
        (await IfNoneMatch("W/" + tag)).Code.ShouldBe(304);
        (await IfNoneMatch($"\"x\", {tag}")).Code.ShouldBe(304);
        (await IfNoneMatch("*")).Code.ShouldBe(304);
        (await IfNoneMatch("\"x\"")).Code.ShouldBe(200);

        var changed = await boon.Api.Patch(
            $"/v1/quests/{quest}", new { name = "Catalog, changed", streak = 4 }, await boon.OperatorToken());
        (changed.Code, changed["streak"].GetInt32()).ShouldBe((200, 4));
        var now = await IfNoneMatch(tag.ToString());
        (now.Code, now["name"].GetString()).ShouldBe((200, "Catalog, changed"));

        var draft = await boon.CreateQuest(new { name = "Draft", state = "draft" });
        (await boon.Api.Get($"/v1/quests/{draft}")).Code.ShouldBe(404);
        (await boon.Api.Get($"/v1/quests/{draft}", await boon.OperatorToken())).Code.ShouldBe(200);
        (await boon.Api.Post($"/v1/quests/{draft}/claims", null, (await boon.SeedMembers(1))[0].Token)).Code.ShouldBe(404);
        foreach (var who in (string[])[await boon.OperatorToken(), (await boon.SeedMembers(1))[0].Token])
        {
            var all = await boon.Api.All<Quest>("/v1/quests", who, limit: 1);
            all.Select(item => item.Id).ShouldBe(all.Select(item => item.Id).OrderDescending());
            all.Any(item => item.Id == draft).ShouldBe(who == await boon.OperatorToken());
        }
        (await boon.Api.Get($"/v1/rewards/{reward}"))["item"].GetString().ShouldBe("gold");
        (await boon.Api.Get("/v1/quests?limit=0")).Code.ShouldBe(400);
        (await boon.Api.Get("/v1/quests/x")).Problem.ShouldBe("not-found");
    }

    [Fact]
    public async Task Each_process_sees_a_change_of_the_catalog_after_a_wake_up()
    {
        var quest = await boon.CreateQuest();
        await using var other = await boon.StartBesideAsync();
        (await other.Api.Get($"/v1/quests/{quest}")).Code.ShouldBe(200);
        await boon.Api.Patch($"/v1/quests/{quest}", new { name = "Seen everywhere" }, await boon.OperatorToken());
        await Eventually.Holds(
            "the change in the other process", async () => (await other.Api.Get($"/v1/quests/{quest}"))["name"]
            .GetString() == "Seen everywhere");
        (await other.Api.Get($"/v1/quests/{quest}")).Headers.ETag
            .ShouldBe((await boon.Api.Get($"/v1/quests/{quest}")).Headers.ETag, "the same state has the same tag");
    }

    [Fact]
    public async Task A_coupon_reward_comes_from_its_pool_outside_perUser_and_an_empty_pool_leaves_it_pending_and_visible()
    {
        var token = await boon.OperatorToken();
        var type = "QUEST-" + Guid.CreateVersion7().ToString("N")[..8];
        var reward = await boon.CreateReward($"coupon:{type}", 2);
        var quest = await boon.CreateQuest(
            new { trigger = "test.coupon", streak = 1, duplication = 2, autoClaim = true, rewardId = reward });
        var (user, member) = (await boon.SeedMembers(1))[0];
        async Task<string> State(int number) => (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", member))
            .Single(one => one.Number == number) is var one
            ? one.State + (one.PendingReason is { } reason ? $" {reason}" : "") : "";
        async Task Upload(params string[] codes) => (await boon.Api.Post("/v1/coupons", new
        {
            coupons = codes.Select(code =>
                new { code = $"{type}-{code}", type, discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
                maxUses = 1 }),
        }, token)).Code.ShouldBe(201);

        await boon.Append("test.coupon.v1", user, "{}");
        await boon.CaughtUp();
        (await State(1)).ShouldBe("pending type-unknown");
        (await boon.Api.Put($"/v1/coupon-types/{type}", new { }, token)).Code.ShouldBe(201);
        await Upload("A");
        await Eventually.Holds("one coupon of two", async () => (await boon.Api.All<HeldCoupon>("/v1/coupons", member)).Count == 1);
        await Eventually.Holds("the reason", async () => await State(1) == "pending sold-out");
        var pending = await boon.Api.All<Completion>($"/v1/quests/completions?state=pending&questId={quest}", token);
        (pending.ShouldHaveSingleItem().UserId, pending[0].PendingReason).ShouldBe((user, "sold-out"));

        await Upload("B", "C", "D", "E", "F");
        await Eventually.Holds("the reward", async () => await State(1) == "granted");
        await boon.Append("test.coupon.v1", user, "{}");
        await Eventually.Holds(
            "the second reward", async () => (await boon.Api.All<Completion>("/v1/quests/completions", member)).Count == 2
            && await State(2) == "granted");
        (await boon.Api.All<HeldCoupon>("/v1/coupons", member)).Select(coupon => coupon.Code)
            .ShouldBe([$"{type}-A", $"{type}-B", $"{type}-C", $"{type}-D"], ignoreOrder: true);

        // Outside perUser: the member still has a claim of this type, and it gives a new coupon.
        var claim = await boon.Api.Post("/v1/claims", new { type }, member);
        (claim.Code, claim.As<Claim>().Coupon!.Code).ShouldBe((201, $"{type}-E"));
        (await boon.Api.Post("/v1/claims", new { type }, member)).Code.ShouldBe(200);
        var counters = (await boon.Api.All<CouponType>("/v1/coupon-types", token)).Single(one => one.Name == type);
        (counters.Claimed, counters.Available).ShouldBe((5, 1));
        (await boon.Api.Post("/v1/redemptions", new { code = $"{type}-A", amount = 1000, currency = "USD" }, member)).Code.ShouldBe(201);
    }

    [Fact]
    public async Task Expired_coupons_that_a_reward_passes_are_purged_and_counted()
    {
        var token = await boon.OperatorToken();
        var type = "OLD-" + Guid.CreateVersion7().ToString("N")[..8];
        (await boon.Api.Put($"/v1/coupon-types/{type}", new { }, token)).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/coupons", new
        {
            coupons = Enumerable.Range(0, 4)
                .Select(i =>
                new { code = $"{type}-{i}", type, discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
                maxUses = 1 }),
        }, token)).Code.ShouldBe(201);
        await boon.Execute("update promotions.codes set expires_at = now() where code = any ($1)", (object)new[]
            { $"{type}-0", $"{type}-2", $"{type}-3" });
        var quest = await boon.CreateQuest(
            new { trigger = "test.old", streak = 1, duplication = 1, autoClaim = true, rewardId = await boon.CreateReward(
                $"coupon:{type}", 2) });
        var (user, member) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.old.v1", user, "{}");
        await boon.CaughtUp();
        (await boon.Api.All<HeldCoupon>("/v1/coupons", member)).ShouldHaveSingleItem().Code.ShouldBe($"{type}-1");
        (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}&state=pending", member)).ShouldHaveSingleItem(
            ).PendingReason.ShouldBe("sold-out");
        var counters = (await boon.Api.All<CouponType>("/v1/coupon-types", token)).Single(one => one.Name == type);
        (counters.Uploaded, counters.Claimed, counters.Purged, counters.Available).ShouldBe((4, 1, 3, 0));
    }

    [Fact]
    public async Task However_many_coupon_rewards_wait_each_says_why_and_they_are_granted_in_the_order_of_their_claims()
    {
        const int waiting = 1_200;
        var token = await boon.OperatorToken();
        var type = "MANY-" + Guid.CreateVersion7().ToString("N")[..8];
        var quest = await boon.CreateQuest(
            new { trigger = "test.many", streak = 1, duplication = 1, autoClaim = true, rewardId = await boon.CreateReward(
                $"coupon:{type}", 1) });
        await boon.AppendMany("test.many.v1", waiting);
        await boon.CaughtUp();
        async Task<long> Reasons(string reason) =>
            await boon.Scalar<long>(
            "select count(*) from quests.completions where quest_id = $1 and granted_at is null and pending_reason = $2", quest, reason);
        (await Reasons("type-unknown")).ShouldBe(waiting);
        (await boon.Api.Put($"/v1/coupon-types/{type}", new { }, token)).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/coupons", new
        {
            coupons = Enumerable.Range(0, 1_100)
                .Select(i =>
                new { code = $"{type}-{i:0000}", type, discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
                maxUses = 1 }),
        }, token)).Code.ShouldBe(201);
        await Eventually.Holds(
            "all coupons", async () =>
            await boon.Scalar<long>(
                "select count(*) from promotions.coupon_rewards where type = $1 and granted_at is not null", type) == 1_100);
        await Eventually.Holds("those who still wait to know why", async () => await Reasons("sold-out") == waiting - 1_100);
        (await boon.Scalar<long>("""
            select count(*) from (select c.position < lag(c.position) over (order by r.place) as back from promotions.coupon_rewards r
                join promotions.claims k on k.user_id = r.user_id and k.type = r.type join promotions.codes c on c.id = k.code_id
                where r.type = $1) p where back
            """, type)).ShouldBe(0);
    }

    [Fact]
    public async Task Operators_see_steps_events_and_completions_and_members_only_their_own()
    {
        var quest = await boon.CreateQuest(new { trigger = "test.steps", streak = 3, duplication = 1 });
        var members = await boon.SeedMembers(4);
        foreach (var (index, member) in members.Index())
            for (var i = 0; i <= index; i++)
                await boon.Append("test.steps.v1", member.Id, "{}");
        await boon.CaughtUp();
        var token = await boon.OperatorToken();
        var steps = await boon.Api.Get($"/v1/quests/{quest}/steps", token);
        (steps["users"].GetInt64(), steps["completions"].GetInt64()).ShouldBe((4, 2));
        steps.As<QuestSteps>().Steps.Select(step => (step.Completions, step.Streak, step.Users))
            .ShouldBe([(0, 1, 1), (0, 2, 1), (1, 0, 2)]);
        (await boon.Api.All<Completion>($"/v1/quests/completions?questId={quest}", token)).Select(one => one.UserId)
            .ShouldBe([members[3].Id, members[2].Id], ignoreOrder: true); // two lanes: either may be first
        (await boon.Api.All<Completion>(
            $"/v1/quests/completions?questId={quest}&state=claimable&userId={members[2].Id}", token, limit: 1)).Count.ShouldBe(1);
        (await boon.Api.All<Received>($"/v1/quests/events?userId={members[3].Id}", token, limit: 1)).Count.ShouldBe(4);
        (await boon.Api.Get($"/v1/quests/progress?userId={members[3].Id}", token)).Code.ShouldBe(200);

        (await boon.Api.All<Completion>("/v1/quests/completions", members[2].Token)).Count.ShouldBe(1);
        foreach (var path in (string[])["completions", "events", "progress"])
        {
            (await boon.Api.Get($"/v1/quests/{path}?userId={members[1].Id}", members[0].Token)).Code.ShouldBe(404);
            (await boon.Api.Get($"/v1/quests/{path}")).Code.ShouldBe(401);
        }
        (await boon.Api.Get($"/v1/wallet?userId={members[1].Id}", members[0].Token)).Code.ShouldBe(404);
        (await boon.Api.Get($"/v1/wallet?userId={members[1].Id}", token)).Code.ShouldBe(200);
        (await boon.Api.Get($"/v1/quests/{quest}/steps", members[0].Token)).Code.ShouldBe(403);
        (await boon.Api.Get($"/v1/quests/completions?state=lost", token)).Problem.ShouldBe("validation-failed");
    }

    [Fact]
    public async Task What_cannot_be_a_quest_or_a_reward_is_refused_field_by_field()
    {
        var token = await boon.OperatorToken();
        var reward = await boon.CreateReward();
        async Task Wrong(string path, object body, params string[] fields)
        {
            var answer = await boon.Api.Post(path, body, token);
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
            answer["errors"].EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
        }
        await Wrong("/v1/rewards", new { }, "name", "item", "quantity");
        await Wrong("/v1/rewards", new { name = "r", item = "silver", quantity = 0 }, "item", "quantity");
        await Wrong("/v1/rewards", new { name = "r", item = "coupon:", quantity = 1 }, "item");
        await Wrong("/v1/rewards", new { name = "r", item = "coupon:FREE", quantity = 101 }, "quantity");
        await Wrong("/v1/quests", new { }, "name", "rewardId", "trigger");
        await Wrong("/v1/quests", new
            { name = "q", rewardId = reward, trigger = "quests.quest-completed", streak = 0, duplication = 0, state = "paused" },
            "trigger", "streak", "duplication", "state");
        await Wrong("/v1/quests", new
            { name = "q", rewardId = reward, trigger = "external.a.b", window = new { unit = "month", timeZone = "Mars/Olympus" } },
            "window.unit", "window.timeZone");
        await Wrong("/v1/quests", new { name = "q", rewardId = reward, trigger = "external.a.b", window = new { } }, "window.unit",
            "window.timeZone");
        await Wrong("/v1/quests", new { name = "q", rewardId = Guid.CreateVersion7(), trigger = "external.a.b" }, "rewardId");

        var quest = await boon.CreateQuest(new { trigger = "external.a.b" });
        foreach (var (body, code) in ((object, string)[])[
            (new { state = "draft" }, "invalid-state"), (new { streak = 0 }, "validation-failed"),
            (new { rewardId = Guid.CreateVersion7() }, "validation-failed"), (new { trigger = "external.b.c" }, "invalid-json")])
            (await boon.Api.Patch($"/v1/quests/{quest}", body, token)).Problem.ShouldBe(code);
        (await boon.Api.Patch($"/v1/quests/{quest}", new { state = "ended" }, token)).Code.ShouldBe(200);
        (await boon.Api.Patch($"/v1/quests/{quest}", new { state = "active" }, token)).Problem.ShouldBe("quest-ended");
        (await boon.Api.Post("/v1/quests", new { name = "q" }, (await boon.SeedMembers(1))[0].Token)).Code.ShouldBe(403);
        (await boon.Api.Patch($"/v1/quests/{Guid.CreateVersion7()}", new { name = "q" }, token)).Code.ShouldBe(404);
    }

    [Fact]
    public async Task The_completion_of_a_quest_can_trigger_a_campaign_and_a_wallet_entry_a_quest()
    {
        var first = await boon.CreateQuest(
            new { trigger = "test.chain", streak = 1, duplication = 1, autoClaim = true, rewardId = await boon.CreateReward("gold", 5) });
        var second = await boon.CreateQuest(
            new { trigger = "wallet.wallet-credited", when = new { questId = first, item = "gold" }, streak = 1, duplication = 1,
            autoClaim = true, rewardId = await boon.CreateReward("diamond", 1) });
        var campaign = await boon.CreateCampaign(new { trigger = "quests.quest-completed", when = new { questId = first }, limit = 5 });
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.chain.v1", user, "{}");
        await boon.CaughtUp();
        (await Wallet(token)).ShouldBe((5, 1));
        (await Progress(second, token)).Counts.ShouldBe([0, 1, 1, 1, 0]);
        (await boon.Decisions(campaign, 1)).ShouldHaveSingleItem().UserId.ShouldBe(user);
    }

    [Fact]
    public async Task The_ledger_is_only_ever_appended_to()
    {
        foreach (var sql in (string[])[
            "update wallet.ledger_entries set amount = 1", "delete from wallet.ledger_entries", "truncate wallet.ledger_entries"])
            (await Should.ThrowAsync<Npgsql.PostgresException>(() => boon.Execute(sql))).MessageText.ShouldContain("append-only");
    }
}
