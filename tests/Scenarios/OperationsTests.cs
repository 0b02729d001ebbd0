using Boon.Host;
using Boon.Support;

namespace Boon.Scenarios;

public sealed class OperationsTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    [Fact]
    public async Task Health_metrics_and_the_description_are_there_for_everybody()
    {
        (await boon.Api.Get("/health/live")).Code.ShouldBe(200);
        await boon.Ready();
        var metrics = await boon.Api.Get("/metrics");
        foreach (var name in (string[])[
            "boon_subscription_lag_events", "boon_subscription_oldest_unread_seconds", "boon_batch_events_bucket",
            "boon_events_appended_total", "boon_events_sequenced_total", "boon_dead_letters_open"])
            metrics.Text.ShouldContain(name);
        (await boon.Api.Get("/")).Text.ShouldContain("swagger", customMessage: "/ leads to the documentation");
        (await boon.Api.Get("/docs/index.html")).Text.ShouldContain("swagger");
        var description = await boon.Api.Get("/openapi/v1.json");
        description["paths"].EnumerateObject().Select(path => path.Name).ShouldBe(
        [
            "/v1/users", "/v1/users/me", "/v1/users/{id}", "/v1/users/{id}/roles", "/v1/sessions", "/v1/sessions/refresh",
            "/v1/sessions/current", "/.well-known/jwks.json",
            "/v1/campaigns", "/v1/campaigns/{id}", "/v1/campaigns/{id}/decisions", "/v1/vouchers", "/v1/redemptions",
            "/v1/redemptions/preview", "/v1/redemptions/{id}",
            "/v1/coupon-types", "/v1/coupon-types/{name}", "/v1/coupons", "/v1/coupons/purge", "/v1/claims", "/v1/claims/{id}",
            "/v1/rewards", "/v1/rewards/{id}", "/v1/quests", "/v1/quests/{id}", "/v1/quests/progress", "/v1/quests/{id}/steps",
            "/v1/quests/events", "/v1/event-types", "/v1/quests/{id}/claims",
            "/v1/quests/completions", "/v1/wallet", "/v1/wallet/entries",
            "/v1/orders", "/v1/orders/{id}", "/v1/orders/{id}/cancel", "/v1/api-keys", "/v1/api-keys/{id}",
            "/v1/events", "/v1/audit", "/v1/system", "/v1/logs/{module}", "/v1/dead-letters", "/v1/dead-letters/{id}/redrive",
            "/health/live", "/health/ready", "/metrics",
        ], ignoreOrder: true);
        foreach (var path in description["paths"].EnumerateObject())
            foreach (var operation in path.Value.EnumerateObject())
                operation.Value.TryGetProperty("summary", out _).ShouldBeTrue($"{operation.Name} {path.Name} has a summary");
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/.well-known/jwks.json")]
    [InlineData("/")]
    public async Task What_is_asked_for_by_machines_ignores_what_they_add(string path) =>
        (await boon.Api.Get(path + "?x=1&x=2&utm_source=balancer")).Code.ShouldBe(200);

    [Fact]
    public async Task A_module_serves_though_others_that_it_could_read_were_never_started()
    {
        await using var some = await TestBoon.StartModulesAsync(["identity", "promotions"]);
        var campaign = await some.CreateCampaign();
        var (user, username, password) = await some.Register();
        await some.Api.SignIn(username, password);
        (await some.Decisions(campaign, 1)).ShouldHaveSingleItem().UserId.ShouldBe(user);
        (await some.Api.Get("/metrics")).Text.ShouldContain("boon_subscription_lag_events{lane=\"0\",source=\"identity\"");
        (await some.Api.Get("/v1/quests")).Code.ShouldBe(404);
    }

    [Fact]
    public async Task Logs_are_JSON_files_by_part_and_level()
    {
        // All modules, and a database that lacks all migrations.
        await using var loud = await TestBoon.StartModulesAsync(
            [.. BoonHost.AllModules.Select(module => module.Name)], ("Boon:Log:Level", "Information"));
        await loud.Register();
        var id = (await loud.Api.Get("/v1/users/me", await loud.OperatorToken())).Id;
        var key = await loud.Api.Post("/v1/api-keys", new { name = "A shop" }, await loud.OperatorToken());
        (await loud.Api.Post(
            "/v1/events", new { specversion = "1.0", id = "1", source = "/shop", type = "visited" }, key["key"].GetString())).Code
                .ShouldBe(202);
        (await loud.Api.Raw(HttpMethod.Post, "/v1/orders", "{", await loud.OperatorToken())).Problem.ShouldBe("invalid-json");
        await loud.Ready();
        var files = Directory.GetFiles(Path.Combine(loud.Data, "logs")).Select(Path.GetFileName).ToList();
        files.ShouldContain(file => file!.StartsWith("migration-info-", StringComparison.Ordinal));
        files.ShouldContain(file => file!.StartsWith("events-info-", StringComparison.Ordinal));
        // A request's line is written once it is answered: whoever has the answer may be quicker.
        await Eventually.Holds(
            "the line of the last call", () =>
            Task.FromResult(
                loud.LogLines("web-info-*").Exists(line => line.Contains("\"Status\":400", StringComparison.Ordinal))));
        var lines = loud.LogLines("web-info-*");
        var requests = lines.Where(line => line.Contains("\"SourceContext\":\"Boon.Requests\"", StringComparison.Ordinal)).ToList();
        requests.ShouldContain(line =>
            line.Contains("\"Method\":\"POST\",\"Route\":\"/v1/users\",\"Status\":201", StringComparison.Ordinal)
            && line.Contains("\"UserId\":\"-\",\"Trace\":\"", StringComparison.Ordinal));
        requests.ShouldContain(line => line.Contains("\"Route\":\"/v1/users/me\",\"Status\":200", StringComparison.Ordinal)
            && line.Contains($"\"UserId\":\"{id}\"", StringComparison.Ordinal));
        requests.ShouldContain(line =>
            line.Contains("\"Method\":\"POST\",\"Route\":\"/v1/orders\",\"Status\":400", StringComparison.Ordinal));
        requests.ShouldNotContain(line => line.Contains("/health", StringComparison.Ordinal));
        lines.ShouldNotContain(line => line.Contains("was not authenticated", StringComparison.Ordinal));
        foreach (var line in loud.LogLines())
            System.Text.Json.JsonDocument.Parse(line).Dispose();
    }
}
