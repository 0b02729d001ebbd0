using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Orders over HTTP, with and without codes.</summary>
public sealed class OrderTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    [Fact]
    public async Task An_order_without_a_code_is_confirmed_at_once()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var placed = await boon.Api.Post(
            "/v1/orders", new { product = "mobile-top-up", quantity = 2, total = new { amount = 5000, currency = "USD" } }, token);
        (placed.Code, placed["state"].GetString(), placed["userId"].GetGuid()).ShouldBe((201, "confirmed", user));
        placed.Headers.Location!.ToString().ShouldBe($"/v1/orders/{placed.Id}");
        placed["toPay"].GetRawText().ShouldBe("""{"amount":5000,"currency":"USD"}""");
        placed.Body.TryGetProperty("discount", out _).ShouldBeFalse();
        (await boon.Api.Get($"/v1/orders/{placed.Id}", token)).Text.ShouldBe(placed.Text);
        var events = await boon.Api.All<Event>($"/v1/events?module=orders&userId={user}", await boon.OperatorToken());
        events.Select(e => e.Type).ShouldBe(["orders.order-confirmed.v1", "orders.order-placed.v1"]);
        events[0].CausationId.ShouldBe(events[1].Id);
    }

    [Fact]
    public async Task An_order_with_a_code_is_pending_and_then_confirmed_with_the_discount()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 3, percent: 30);
        var placed = await boon.Api.Post(
            "/v1/orders", new { product = "mobile-top-up", quantity = 1, total = new { amount = 5005, currency = "USD" }, code }, token);
        (placed.Code, placed["state"].GetString(), placed["waitingFor"].GetString(), placed["code"].GetString())
            .ShouldBe((202, "pending", "redemption", code));
        placed.Headers.GetValues("Retry-After").ShouldBe(["1"]);
        var settled = await boon.Settled(placed.Id, token);
        settled["state"].GetString().ShouldBe("confirmed");
        (settled.As<Order>().Discount!.Amount, settled.As<Order>().ToPay!.Amount, settled.As<Order>().ToPay!.Currency)
            .ShouldBe((1502, 3503, "USD"));
        settled.Body.TryGetProperty("waitingFor", out _).ShouldBeFalse();
        settled.Headers.Contains("Retry-After").ShouldBeFalse();

        // Each step names the one that caused it.
        var events = (await boon.Api.All<Event>($"/v1/events?userId={user}", await boon.OperatorToken())).ToDictionary(e => e.Type);
        events["promotions.code-redeemed.v1"].CausationId.ShouldBe(events["orders.order-placed.v1"].Id);
        events["promotions.code-redeemed.v1"]["reference"].GetGuid().ShouldBe(placed.Id);
        events["orders.order-confirmed.v1"].CausationId.ShouldBe(events["promotions.code-redeemed.v1"].Id);
    }

    [Fact]
    public async Task An_order_is_rejected_with_the_redemptions_reason()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var operatorToken = await boon.OperatorToken();
        async Task Rejected(string code, string reason, string currency = "USD", string product = "mobile-top-up", long amount = 5000)
        {
            var placed = await boon.Api.Post("/v1/orders", new { product, quantity = 1, total = new { amount, currency }, code }, token);
            var settled = await boon.Settled(placed.Id, token);
            (settled["state"].GetString(), settled["reason"].GetString()).ShouldBe(("rejected", reason));
            settled.Body.TryGetProperty("toPay", out _).ShouldBeFalse();
            var cancelled = await boon.Api.Post($"/v1/orders/{placed.Id}/cancel", null, token);
            (cancelled.Code, cancelled.Problem).ShouldBe((409, "order-rejected"));
        }
        await Rejected("NO-SUCH-CODE", "code-invalid");
        await Rejected(await boon.HeldCoupon((await boon.SeedMembers(1))[0].Token), "code-invalid");
        var once = await boon.HeldCoupon(token, maxUses: 1);
        (await boon.Api.Post("/v1/redemptions", new { code = once, amount = 100, currency = "USD" }, token)).Code.ShouldBe(201);
        await Rejected(once, "code-exhausted");
        var trigger = "test." + Guid.CreateVersion7().ToString("N");
        await boon.CreateCampaign(
            new
            {
                trigger,
                benefit = new { kind = "percent", value = 10, currency = "USD", minSpend = 1000, products = new[] { "mobile-top-up" } },
            });
        await boon.Append(trigger + ".v1", user, "{}");
        var voucher = await Eventually.Get(
            "the voucher", async () => (await boon.Api.All<Voucher>("/v1/vouchers", token)).Select(v => v.Code).FirstOrDefault());
        await Rejected(voucher, "currency-mismatch", currency: "EUR");
        await Rejected(voucher, "min-spend", amount: 999);
        await Rejected(voucher, "product-not-covered", product: "hats");
        await boon.Execute("update promotions.codes set expires_at = now() where code = $1", voucher);
        await Rejected(voucher, "code-expired");
        (await boon.Api.All<Order>("/v1/orders", token, limit: 3)).Count.ShouldBe(7);
        (await boon.Api.Get($"/v1/orders?userId={user}", operatorToken))["data"].GetArrayLength().ShouldBe(7);
    }

    [Fact]
    public async Task Cancelling_gives_the_use_back_once_however_often_it_is_asked_for()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 1);
        async Task<Answer> Order() =>
            await boon.Settled(
            (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code }, token)).Id, token);
        var first = await Order();
        (await Order())["reason"].GetString().ShouldBe("code-exhausted");
        var cancelled = await Task.WhenAll(
            Enumerable.Range(0, 8)
            .Select(async i =>
            await boon.Api.Post($"/v1/orders/{first.Id}/cancel", null, i % 2 == 0 ? token : await boon.OperatorToken())));
        cancelled.ShouldAllBe(answer => answer.Code == 200 && answer["state"].GetString() == "cancelled");
        cancelled.Select(answer => answer.Text).Distinct().Count().ShouldBe(1);
        cancelled[0].As<Order>().Discount!.Amount.ShouldBe(100);
        cancelled[0].Body.TryGetProperty("toPay", out _).ShouldBeFalse();
        await boon.CaughtUp();
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(0);
        (await boon.Scalar<long>(
            "select count(*) from promotions.event_log where type = 'promotions.redemption-released.v1' and userid = $1", user))
            .ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from orders.event_log where type = 'orders.order-cancelled.v1' and userid = $1", user))
            .ShouldBe(1);
        (await Order())["state"].GetString().ShouldBe("confirmed");
        var type = (await boon.Api.All<CouponType>("/v1/coupon-types", await boon.OperatorToken()))
            .Single(one => one.Name == code.Split('-')[0]);
        type.Redeemed.ShouldBe(1);

        var plain = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" } }, token);
        (await boon.Api.Post($"/v1/orders/{plain.Id}/cancel", null, token))["state"].GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_use_that_an_operator_gave_back_is_not_given_back_again_by_a_cancel()
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 1);
        var order = await boon.Settled(
            (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code }, token)).Id, token);
        var redemption = await boon.Scalar<Guid>("select id from promotions.redemptions where order_id = $1", order.Id);
        (await boon.Api.Delete($"/v1/redemptions/{redemption}", await boon.OperatorToken())).Code.ShouldBe(204);
        (await boon.Api.Post($"/v1/orders/{order.Id}/cancel", null, token)).Code.ShouldBe(200);
        await boon.CaughtUp();
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(0);
    }

    [Fact]
    public async Task Orders_are_seen_by_their_user_and_operators_only()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var (_, stranger) = (await boon.SeedMembers(1))[0];
        var placed = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" } }, token);
        (await boon.Api.Get($"/v1/orders/{placed.Id}", stranger)).Problem.ShouldBe("not-found");
        (await boon.Api.Post($"/v1/orders/{placed.Id}/cancel", null, stranger)).Problem.ShouldBe("not-found");
        (await boon.Api.Get($"/v1/orders?userId={user}", stranger)).Code.ShouldBe(404);
        (await boon.Api.All<Order>("/v1/orders", stranger)).ShouldBeEmpty();
        (await boon.Api.Get($"/v1/orders/{placed.Id}", await boon.OperatorToken())).Code.ShouldBe(200);
        (await boon.Api.All<Order>("/v1/orders", await boon.OperatorToken())).Select(order => order.Id).ShouldContain(placed.Id);
        (await boon.Api.Get($"/v1/orders/{placed.Id}")).Code.ShouldBe(401);
        (await boon.Api.Get("/v1/orders/x", token)).Problem.ShouldBe("not-found");
        var forOther = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = user }, stranger);
        (forOther.Code, forOther.Problem).ShouldBe((404, "user-unknown"));
    }

    [Fact]
    public async Task An_operator_orders_for_a_user_who_registered_a_moment_ago_and_not_for_one_who_is_unknown_or_erased()
    {
        var operatorToken = await boon.OperatorToken();
        var (user, username, password) = await boon.Register();
        var placed = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 100, currency = "USD" }, userId = user },
            operatorToken);
        (placed.Code, placed["userId"].GetGuid()).ShouldBe((201, user));
        var unknown = await boon.Api.Post(
            "/v1/orders", new
            { product = "p", quantity = 1, total = new { amount = 100, currency = "USD" }, userId = Guid.CreateVersion7() }, operatorToken);
        (unknown.Code, unknown.Problem).ShouldBe((404, "user-unknown"));
        (await boon.Api.Erase(await boon.Api.SignIn(username, password), password)).Code.ShouldBe(204);
        await boon.CaughtUp();
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 100, currency = "USD" }, userId = user },
            operatorToken)).Problem.ShouldBe("user-unknown");
    }

    [Fact]
    public async Task Order_events_give_vouchers_and_complete_quests()
    {
        var product = "three-" + Guid.CreateVersion7().ToString("N");
        var campaign = await boon.CreateCampaign(new { trigger = "orders.order-confirmed", when = new { product }, limit = 1 });
        var reward = await boon.CreateReward("gold", 50);
        await boon.CreateQuest(
            new { trigger = "orders.order-placed", when = new { product }, streak = 3, duplication = 1, autoClaim = true,
            rewardId = reward });
        var (_, token) = (await boon.SeedMembers(1))[0];
        for (var i = 0; i < 3; i++)
            (await boon.Api.Post(
                "/v1/orders", new { product, quantity = 1, total = new { amount = 1000, currency = "USD" } }, token)).Code.ShouldBe(201);
        (await boon.Decisions(campaign, 2)).Select(d => d.Outcome).ShouldBe(["issued", "refused"], "a refusal is told once");
        await Eventually.Holds("50 gold", async () => (await boon.Api.Get("/v1/wallet", token)).As<WalletBalances>().Balances.Gold == 50);
        (await boon.Api.All<Voucher>("/v1/vouchers", token)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Bad_orders_say_what_is_wrong()
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        async Task Wrong(object body, params string[] fields)
        {
            var answer = await boon.Api.Post("/v1/orders", body, token);
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
            answer["errors"].EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
        }
        await Wrong(new { }, "product", "quantity", "total");
        await Wrong(new { product = "", quantity = 0, total = new { amount = 0, currency = "usd" } }, "product", "quantity",
            "total.amount", "total.currency");
        await Wrong(new { product = "p", quantity = 1_000_001, total = new { } }, "quantity", "total.amount", "total.currency");
        await Wrong(new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, code = new string('c', 65) }, "code");
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" } })).Code.ShouldBe(401);
    }
}
