using Boon.Support;

namespace Boon.Scenarios;

/// <summary>
/// Orders as a service of its own: while others are down, with a database of its own, rebuilt from the log, its log downloaded.
/// </summary>
public sealed class OrderServicesTests
{
    [Fact]
    public async Task An_order_that_is_placed_while_Promotions_is_down_waits_and_is_finished_when_it_returns()
    {
        await using var shop = await TestBoon.StartModulesAsync(["identity", "orders"]);
        var (_, token) = (await shop.SeedMembers(1))[0];
        var placed = await shop.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code = "LATER-1" }, token);
        placed.Code.ShouldBe(202);
        var cancelled = await shop.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code = "LATER-1" }, token);
        (await shop.Api.Post($"/v1/orders/{cancelled.Id}/cancel", null, token))["state"].GetString().ShouldBe("cancelled");
        var waiting = await shop.Api.Send(
            HttpMethod.Get, $"/v1/orders/{placed.Id}", null, token, change: request => request.Headers.Add("Prefer", "wait=1"));
        (waiting["state"].GetString(), waiting["waitingFor"].GetString()).ShouldBe(("pending", "redemption"));
        waiting.Headers.GetValues("Preference-Applied").ShouldBe(["wait=1"]);

        await using var all = await shop.StartBesideAsync();
        var settled = await all.Settled(placed.Id, token);
        (settled["state"].GetString(), settled["reason"].GetString()).ShouldBe(("rejected", "code-invalid"));
        (await shop.Api.Get($"/v1/orders/{placed.Id}", token)).Text.ShouldBe(settled.Text);
        await all.CaughtUp();
        (await all.Api.Get($"/v1/orders/{cancelled.Id}", token))["state"].GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_service_with_a_database_of_its_own_is_kept_in_sync_by_events()
    {
        var own = await TestServer.CreateDatabaseAsync();
        try
        {
            await using var boon = await TestBoon.StartAsync(("ConnectionStrings:Orders", own));
            var (user, username, password) = await boon.Register();
            var token = await boon.Api.SignIn(username, password);
            var code = await boon.HeldCoupon(token, maxUses: 1);
            var placed = await boon.Api.Post(
                "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code }, token);
            var settled = (await boon.Settled(placed.Id, token)).As<Order>();
            (settled.State, settled.ToPay?.Amount).ShouldBe(("confirmed", 900));
            (await boon.Api.Post(
                "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = user },
                await boon.OperatorToken())).Code.ShouldBe(201);
            (await boon.Replay("orders", checkOnly: true)).Equal.ShouldBeTrue();
            (await boon.Api.Get("/v1/logs/orders", await boon.OperatorToken())).Text.Split(
                '\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(4);
            (await boon.Scalar<bool>("select exists (select from information_schema.schemata where schema_name = 'orders')"))
                .ShouldBeFalse("it is in a database of its own");
        }
        finally
        {
            await TestServer.DropDatabaseAsync(own);
        }
    }

    [Fact]
    public async Task A_replay_rebuilds_the_known_users_while_people_register()
    {
        await using var boon = await TestBoon.StartAsync();
        async Task<Guid> Registered()
        {
            var user = Guid.CreateVersion7();
            await boon.Append("identity.user-registered.v1", user, $$"""{"userId":"{{user}}"}""");
            return user;
        }
        var users = new List<Guid>();
        for (var i = 0; i < 30; i++)
            users.Add(await Registered());
        await boon.Append("identity.user-erased.v1", users[0], $$"""{"userId":"{{users[0]}}"}""");
        await boon.CaughtUp();
        async Task FlowAsync()
        {
            for (var i = 0; i < 100; i++)
                await Registered();
        }
        var flowing = FlowAsync();
        for (var i = 0; i < 5; i++)
            (await boon.Replay("orders", checkOnly: true)).Equal.ShouldBeTrue();
        await flowing;

        await boon.Execute("delete from orders.known_users where user_id = any ($1)", users.Skip(1).Take(10).ToArray());
        await boon.Execute("update orders.known_users set erased = not erased where user_id = any ($1)", (Guid[])[users[0], users[20]]);
        await boon.Execute("insert into orders.known_users values (gen_random_uuid(), false)");
        var found = await boon.Replay("orders", checkOnly: true);
        (found.Equal, found.Mended).ShouldBe((false, 0L));
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = users[5] },
            await boon.OperatorToken())).Problem.ShouldBe("user-unknown");
        var mended = await boon.Replay("orders", checkOnly: false);
        (mended.Equal, mended.Mended, mended.Proof!.All(part => part.Equal)).ShouldBe((false, 13L, true));
        (await boon.Replay("orders", checkOnly: true)).Equal.ShouldBeTrue();
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = users[5] },
            await boon.OperatorToken())).Code.ShouldBe(201);
        (await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = users[0] },
            await boon.OperatorToken())).Problem.ShouldBe("user-unknown");
    }

    [Fact]
    public async Task Any_log_is_downloaded_as_NDJSON_in_order_from_anywhere()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.AppendMany("test.many.v1", 2_500);
        var token = await boon.OperatorToken();
        var whole = await boon.Api.Send(HttpMethod.Get, "/v1/logs/identity", null, token);
        whole.Code.ShouldBe(200);
        var lines = whole.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement).ToList();
        lines.Select(line => line.GetProperty("sequence").GetInt64()).ShouldBe(Enumerable.Range(1, lines.Count).Select(n => (long)n));
        lines.Count.ShouldBeGreaterThan(2_500);
        var newest = (await boon.Api.Get("/v1/events?module=identity&limit=1", token))["data"][0];
        lines[^1].GetRawText().ShouldBe(newest.GetRawText());
        var rest = await boon.Api.Get($"/v1/logs/identity?after={lines.Count - 3}", token);
        rest.Text.ShouldBe(string.Concat(whole.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^3..].Select(line => line + "\n")));
        (await boon.Api.Get("/v1/logs/identity?after=x", token)).Problem.ShouldBe("validation-failed");
        (await boon.Api.Get("/v1/logs/nothing", token)).Problem.ShouldBe("not-found");
        (await boon.Api.Get("/v1/logs/identity", boon.TokenOf(Guid.CreateVersion7()))).Code.ShouldBe(403);
        foreach (var module in (string[])["intake", "orders", "promotions", "quests", "wallet"])
            (await boon.Api.Get($"/v1/logs/{module}", token)).Code.ShouldBe(200);
    }
}
