using Boon.Intake;
using Boon.Orders;
using Boon.Platform;
using Boon.Promotions;
using Boon.Support;
using Npgsql;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>What must hold of orders and of reported events in one process, each shown with its defence and, failing, without it.</summary>
[Collection("Defences")]
public sealed class OrderGuaranteeTests
{
    private static Task<Answer> Place(TestBoon boon, string token, string code, long amount = 1000, string? key = null) =>
        boon.Api.Post("/v1/orders", new { product = "p", quantity = 1, total = new { amount, currency = "USD" }, code }, token, key);

    /// <summary>Holds a subscription where it is, as if its module were down, until the answer is disposed.</summary>
    private static async Task<IAsyncDisposable> Hold(TestBoon boon, string module, string subscription)
    {
        var connection = new NpgsqlConnection(TestServer.ForTest(boon.Database));
        await connection.OpenAsync();
        await using var hold = new NpgsqlCommand(
            $"begin; select from {module}.checkpoints where subscription = '{subscription}' for update", connection);
        await hold.ExecuteNonQueryAsync();
        return connection;
    }

    [Theory]
    [Defended(nameof(PromotionsDefences.ExactUses))]
    public Task Of_500_orders_in_parallel_10_uses_confirm_10(DefendedRun run) => Show(run, async boon =>
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 10, percent: 15);
        // Without the defence, what one batch decides goes wrong: so it gets them all at once.
        var amounts = Enumerable.Range(0, run.Defended ? 500 : 50).Select(i => 1001L + (37 * i)).ToList();
        async Task<List<Answer>> PlaceAll(IEnumerable<long> all)
        {
            var hold = run.Defended ? null : await Hold(boon, "promotions", PromotionsModule.RedeemOrdersSubscription);
            var placed = await Task.WhenAll(all.Select(amount => Place(boon, token, code, amount)));
            placed.ShouldAllBe(answer => answer.Code == 202);
            await (hold?.DisposeAsync() ?? default);
            return [.. await Task.WhenAll(placed.Select(answer => boon.Settled(answer.Id, token)))];
        }
        void Exact(List<Answer> orders, int confirmed)
        {
            orders.Count(order => order["state"].GetString() == "confirmed").ShouldBe(confirmed);
            orders.Where(order => order["state"].GetString() != "confirmed")
                .ShouldAllBe(order => order["state"].GetString() == "rejected" && order["reason"].GetString() == "code-exhausted");
            foreach (var order in orders.Where(order => order["state"].GetString() == "confirmed"))
            {
                var total = order.As<Order>().Total.Amount;
                order.As<Order>().Discount!.Amount.ShouldBe((long)Math.Round(total * 0.15m, MidpointRounding.ToEven));
                order.As<Order>().ToPay!.Amount.ShouldBe(total - order.As<Order>().Discount!.Amount);
            }
        }
        var orders = await PlaceAll(amounts);
        Exact(orders, 10);
        var confirmed = orders.FindAll(order => order["state"].GetString() == "confirmed");
        (await boon.Scalar<decimal>("select sum(discount) from promotions.redemptions where released_at is null"))
            .ShouldBe(confirmed.Sum(order => order.As<Order>().Discount!.Amount));
        (await boon.Scalar<decimal>("select sum(amount - discount) from promotions.redemptions where released_at is null"))
            .ShouldBe(confirmed.Sum(order => order.As<Order>().ToPay!.Amount));

        foreach (var order in confirmed.Take(3))
            (await boon.Api.Post($"/v1/orders/{order.Id}/cancel", null, token)).Code.ShouldBe(200);
        Exact(await PlaceAll(amounts.Take(50)), 3);
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(10);
        (await boon.Scalar<long>("select count(*) from promotions.redemptions where released_at is null")).ShouldBe(10);
    });

    [Theory]
    [Defended(nameof(PromotionsDefences.OncePerOrder))]
    public Task Events_of_orders_that_come_again_change_nothing(DefendedRun run) => Show(run, async boon =>
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 3);
        var orders = new List<Guid>();
        for (var i = 0; i < 5; i++)
            orders.Add((await boon.Settled((await Place(boon, token, code)).Id, token)).Id);
        await boon.Api.Post($"/v1/orders/{orders[0]}/cancel", null, token);
        await boon.CaughtUp();
        const string state = """
            select concat_ws(' ', (select uses from promotions.codes where code = $1),
                (select string_agg(state, ',' order by id) from orders.orders),
                (select count(*) from promotions.redemptions where released_at is null),
                    (select string_agg(type, ',' order by position) from promotions.event_log where userid is not null))
            """;
        var before = await boon.Scalar<string>(state, code);
        before.ShouldStartWith("2 cancelled,confirmed,confirmed,rejected,rejected 2");
        // A restored backup delivers everything again: there is a use now, which an order that was rejected must not get.
        await boon.Rewind("promotions", PromotionsModule.RedeemOrdersSubscription, 1_000);
        await boon.Rewind("orders", OrdersModule.SettleOrdersSubscription, 1_000);
        await boon.CaughtUp();
        (await boon.Scalar<string>(state, code)).ShouldBe(before);
        (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
        (await boon.Settled((await Place(boon, token, code)).Id, token))["state"].GetString().ShouldBe("confirmed");
        user.ShouldNotBe(Guid.Empty);
    });

    [Theory]
    [Defended(nameof(PromotionsDefences.ReleaseOnce))]
    public Task A_cancelled_order_gives_its_use_back_once_though_the_cancellation_comes_again(DefendedRun run) => Show(run, async boon =>
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 3);
        var first = await boon.Settled((await Place(boon, token, code)).Id, token);
        await boon.Settled((await Place(boon, token, code)).Id, token);
        await boon.Api.Post($"/v1/orders/{first.Id}/cancel", null, token);
        await boon.CaughtUp();
        await boon.Rewind("promotions", PromotionsModule.RedeemOrdersSubscription, 1);
        await boon.CaughtUp();
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(1);
    });

    [Theory]
    [Defended(nameof(PromotionsDefences.OncePerOrder))]
    public Task A_placed_event_that_comes_after_the_cancellation_takes_no_use(DefendedRun run) => Show(run, async boon =>
    {
        // The placed event is parked, as if Promotions had a fault; the order is cancelled; then the event is redriven.
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 3);
        await boon.Execute("create function public.fault() returns trigger language plpgsql as $$ begin raise exception 'a fault'; end $$");
        await boon.Execute("create trigger fault before insert on promotions.redemptions for each row execute function public.fault()");
        var order = (await Place(boon, token, code)).Id;
        var letter = await Eventually.Get(
            "the dead letter", async () => (await boon.Api.Get("/v1/dead-letters", await boon.OperatorToken())).Page<DeadLetter>()
            .Select(one => one.Id.ToString()).FirstOrDefault());
        (await boon.Api.Get($"/v1/orders/{order}", token))["waitingFor"].GetString().ShouldBe("redemption");
        await boon.Execute("drop trigger fault on promotions.redemptions");
        (await boon.Api.Post($"/v1/orders/{order}/cancel", null, token)).Code.ShouldBe(200);
        await boon.CaughtUp();
        (await boon.Api.Post($"/v1/dead-letters/{letter}/redrive", null, await boon.OperatorToken())).Code.ShouldBeInRange(200, 204);
        await boon.CaughtUp();
        (await boon.Api.Get($"/v1/orders/{order}", token))["state"].GetString().ShouldBe("cancelled");
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(0);
    });

    [Theory]
    [Defended(nameof(OrdersDefences.OwnResults))]
    public Task A_result_that_another_caused_settles_no_order(DefendedRun run) => Show(run, async boon =>
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 5, percent: 10);
        var other = await boon.HeldCoupon(token, maxUses: 1, percent: 90);
        Guid order;
        await using (await Hold(boon, "promotions", PromotionsModule.RedeemOrdersSubscription))
        {
            order = (await Place(boon, token, code)).Id;
            // The member redeems a better code and says that it was for the order.
            (await boon.Api.Post(
                "/v1/redemptions", new { code = other, amount = 1000, currency = "USD", reference = order.ToString() },
                token)).Code.ShouldBe(201);
            await Eventually.Holds("the result is read", () => boon.Scalar<bool>($"""
                select (select sequence from orders.checkpoints where subscription = '{OrdersModule.SettleOrdersSubscription}') >= (
                    select o.sequence from promotions.event_log l join promotions.event_order o on o.position = l.position
                    where l.type = 'promotions.code-redeemed.v1')
                """));
            var pending = await boon.Api.Get($"/v1/orders/{order}", token);
            pending["state"].GetString().ShouldBe("pending");
            pending["waitingFor"].GetString().ShouldBe("redemption");
        }
        var settled = await boon.Settled(order, token);
        (settled["state"].GetString(), settled.As<Order>().Discount!.Amount).ShouldBe(("confirmed", 100));
    });

    [Theory]
    [Defended(nameof(OrdersDefences.PendingOnly))]
    public Task An_order_that_was_cancelled_while_it_was_pending_stays_cancelled(DefendedRun run) => Show(run, async boon =>
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 1);
        Guid order;
        await using (await Hold(boon, "orders", OrdersModule.SettleOrdersSubscription))
        {
            order = (await Place(boon, token, code)).Id;
            await Eventually.Holds(
                "the redemption", () => boon.Scalar<bool>("select uses = 1 from promotions.codes where code = $1", code));
            (await boon.Api.Post($"/v1/orders/{order}/cancel", null, token))["state"].GetString().ShouldBe("cancelled");
        }
        await boon.CaughtUp();
        (await boon.Api.Get($"/v1/orders/{order}", token))["state"].GetString().ShouldBe("cancelled");
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from orders.event_log where type = 'orders.order-confirmed.v1'")).ShouldBe(0);
    });

    [Theory]
    [Defended(nameof(OrdersDefences.TokenProves))]
    public Task Who_registered_a_moment_ago_can_order_though_the_log_has_not_told_yet(DefendedRun run) => Show(run, async boon =>
    {
        await using var hold = await Hold(boon, "orders", OrdersModule.LearnUsersSubscription);
        var (_, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 100, currency = "USD" } }, token)).Code.ShouldBe(201);
    });

    [Theory]
    [Defended(nameof(IntakeDefences.OncePerReport))]
    public Task A_batch_of_reported_events_that_is_sent_three_times_counts_once(DefendedRun run) => Show(run, async boon =>
    {
        await boon.CreateQuest(new { trigger = "external.shop.visit", streak = 1_000, duplication = 1 });
        var token = await boon.OperatorToken();
        var users = Enumerable.Range(0, 50).Select(_ => Guid.CreateVersion7()).ToList();
        var batch = Enumerable.Range(0, 1_000)
            .Select(i => new { specversion = "1.0", id = $"{i}", source = "/shop", type = "shop.visit", userid = users[i % users.Count] });
        var body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(batch);
        Task<Answer> Send() => boon.Api.Raw(HttpMethod.Post, "/v1/events", body, "application/cloudevents-batch+json", token);
        var answers = new List<Answer>(await Task.WhenAll(Send(), Send())) { await Send() };
        answers.ShouldAllBe(answer => answer.Code == 202);
        await boon.CaughtUp();
        answers.Sum(answer => answer["accepted"].GetInt32()).ShouldBe(1_000);
        (await boon.Scalar<long>("select count(*) from intake.event_log where type = 'external.shop.visit'")).ShouldBe(1_000);
        (await boon.Scalar<bool>("select bool_and(streak = 20) and count(*) = 50 from quests.progress")).ShouldBeTrue();
    });

    [Fact]
    public async Task An_order_whose_row_moves_while_it_is_settled_is_settled()
    {
        await using var boon = await TestBoon.StartAsync();
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 50);
        var lane = await Hold(boon, "orders", "orders.settle-orders");
        var placed = await Place(boon, token, code);
        await using (var move = await OpenTransaction.BeginAsync(boon, "update orders.orders set product = product"))
        {
            await lane.DisposeAsync();
            await boon.WaitsForLock("update orders.orders");
            await move.CommitAsync();
        }
        await Eventually.Holds(
            "the order", async () => (await boon.Api.Get($"/v1/orders/{placed.Id}", token))["state"].GetString() == "confirmed");
        (await boon.Scalar<long>("select count(*) from orders.event_log where type like 'orders.order-confirmed.%'")).ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from orders.dead_letters")).ShouldBe(0);
    }

    [Theory]
    [Defended(nameof(Defences.IdempotencyKeys))]
    public Task One_key_sent_32_times_in_parallel_places_one_order(DefendedRun run) => Show(run, async boon =>
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var code = await boon.HeldCoupon(token, maxUses: 50);
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Place(boon, token, code, key: "one")));
        answers.ShouldAllBe(answer => answer.Code == 202 || answer.Problem == "idempotency-in-flight");
        answers.Where(answer => answer.Code == 202).Select(answer => answer.Text).Distinct().Count().ShouldBe(1);
        await boon.CaughtUp();
        (await boon.Scalar<long>("select count(*) from orders.orders")).ShouldBe(1);
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(1);
    });
}
