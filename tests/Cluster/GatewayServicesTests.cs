using System.Text.Json;
using System.Text.Json.Nodes;
using Boon.Gateway.Routing;
using Boon.Host;
using Boon.Host.Demo;
using Boon.Platform.Hosting;
using Boon.Support;
using Microsoft.Extensions.Configuration;

namespace Boon.Cluster;

/// <summary>
/// The modules split over three processes on one database, behind the gateway; and a fourth process of all modules, whose answers are
/// compared.
/// </summary>
public sealed class GatewayServicesTests
{
    private static readonly string[] Split = ["identity", "promotions,quests,wallet", "orders,intake"];

    [Fact]
    public async Task Modules_in_processes_of_their_own_are_one_Boon_at_the_gateway()
    {
        string[] modules = [.. Split, string.Join(',', BoonHost.AllModules.Select(module => module.Name))];
        await using var cluster = await TestCluster.CreateAsync(4, fixedUrls: true, modules: modules);
        // The fourth is only asked what one process would answer; it starts first, so that it makes the tables of all.
        await cluster.StartAsync(3);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(index => cluster.StartAsync(index)));
        await AGatewayThatNeverSawAModuleIsNotReady(cluster);
        await using var gateway = await TestGateway.StartAsync(Settings(cluster));
        gateway.Output.ShouldContain($"Gateway to promotions, quests, wallet at {cluster.Url(1)}");

        using (var client = new DemoClient(gateway.Url, FirstHundred.Connections))
            (await new FirstHundred(
                client, TestCluster.Operator, Member.Read(Path.Combine(AppContext.BaseDirectory, "Demo", "members.csv")))
                .RunAsync(CancellationToken.None))
                .ShouldBeTrue("every check of the main job holds through the gateway");
        await cluster.CaughtUpAsync();

        var token = await cluster.OperatorTokenAsync();
        await DocumentIsThatOfOneProcess(cluster, gateway);
        await ListsAreThoseOfOneProcess(cluster, gateway, token);
        await DeadLettersAreOfAllModules(cluster, gateway, token);
        await WhatIsAwayIsNamed(cluster, gateway, token);
    }

    private static Dictionary<string, string> Settings(TestCluster cluster) => Split
        .SelectMany((names, index) => names.Split(',')
            .Select(name => KeyValuePair.Create($"Boon__Gateway__Modules__{name}", cluster.Url(index)))).ToDictionary();

    private static async Task AGatewayThatNeverSawAModuleIsNotReady(TestCluster cluster)
    {
        var settings = Settings(cluster);
        settings["Boon__Gateway__Modules__intake"] = TestCluster.FreeUrl();
        await using var gateway = await TestGateway.ServingAsync(settings);
        await Eventually.Holds("all but one to be seen", async () =>
            (await gateway.Api.Get("/health/ready")) is { Code: 503, Problem: "module-unavailable" } answer
            && answer.Text.Contains("the module intake", StringComparison.Ordinal));
    }

    private static async Task DocumentIsThatOfOneProcess(TestCluster cluster, TestGateway gateway)
    {
        var whole = JsonNode.Parse((await gateway.Api.Get("/openapi/v1.json")).Text)!;
        Sorted(whole).ShouldBe(Sorted(JsonNode.Parse((await cluster.Api(3).Get("/openapi/v1.json")).Text)!));
        (await gateway.Api.Get("/docs/index.html")).Code.ShouldBe(200);

        // Each route is forwarded to the process whose document has it.
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            Settings(cluster).ToDictionary(setting => setting.Key.Replace("__", ":", StringComparison.Ordinal), setting =>
                (string?)setting.Value)).Build();
        var routes = new ProxyRoutes(
            Backends.Of(configuration, [.. BoonHost.AllModules.Select(module => module.Name)]), BoonHost.AllModules, configuration);
        var gathered = routes.Gathered.Select(route => $"{route.Method} {route.Path}").Append("GET /metrics")
            .Append("GET /v1/logs/{module}").ToList();
        var seen = gathered.ToHashSet(StringComparer.Ordinal);
        for (var index = 0; index < Split.Length; index++)
            foreach (var operation in Operations((await cluster.Api(index).Get("/openapi/v1.json")).Body)
                .Where(operation => !gathered.Contains(operation)))
            {
                routes.Routes.Single(route => route.RouteId == operation).ClusterId.ShouldBe(Split[index], operation);
                seen.Add(operation);
            }
        Operations(JsonSerializer.SerializeToElement(whole)).Where(operation => !seen.Contains(operation)).ShouldBeEmpty();
    }

    private static IEnumerable<string> Operations(JsonElement document) => document.GetProperty("paths").EnumerateObject()
        .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));

    private static async Task ListsAreThoseOfOneProcess(TestCluster cluster, TestGateway gateway, string token)
    {
        for (var i = 0; i < 3; i++)
            (await gateway.Api.Post("/v1/rewards", new { name = "R", item = "gold", quantity = 1 }, token)).Code.ShouldBe(201);
        foreach (var (path, limit) in (IEnumerable<(string, int)>)[
            ("/v1/events", 97), ("/v1/events?type=promotions.voucher-issued", 13), ("/v1/event-types", 7), ("/v1/audit", 1),
            ("/v1/audit?actor=operator&module=quests", 2)])
        {
            var through = await gateway.Api.All(path, token, limit);
            through.ConvertAll(item => item.GetRawText())
                .ShouldBe((await cluster.Api(3).All(path, token)).ConvertAll(item => item.GetRawText()), path);
            through.Count.ShouldBeGreaterThan(limit, path);
        }
        (await gateway.Api.Get("/v1/system", token))["data"].EnumerateArray().Select(module => module.GetProperty("module").GetString())
            .ShouldBe(["identity", "intake", "orders", "promotions", "quests", "wallet"]);
        (await gateway.Api.Get("/v1/events?module=wallets", token)).Problem.ShouldBe("validation-failed");
        (await gateway.Api.Get("/v1/events?limit=0", token)).Problem.ShouldBe("validation-failed");
        (await gateway.Api.Get("/v1/events?colour=red", token)).Problem.ShouldBe("unknown-parameter");
        (await gateway.Api.Get("/v1/events")).Code.ShouldBe(401);
        (await gateway.Api.Get("/v1/logs/promotions", token)).Text.ShouldBe((await cluster.Api(3).Get("/v1/logs/promotions", token)).Text);
        (await gateway.Api.Get("/v1/logs/nothing", token)).Code.ShouldBe(404);
    }

    private static async Task DeadLettersAreOfAllModules(TestCluster cluster, TestGateway gateway, string token)
    {
        foreach (var (module, subscription, age) in (IEnumerable<(string, string, int)>)
            [("promotions", "promotions.issue-vouchers", 4), ("orders", "orders.learn-users", 3), ("quests", "quests.track-progress", 2),
                ("orders", "orders.learn-users", 1)])
            await cluster.ExecuteAsync($"""
                insert into {module}.dead_letters (id, subscription, source, sequence, event_id, event_type, error, attempts, parked_at)
                select gen_random_uuid(), '{subscription}', 'identity', o.sequence, l.id, l.type, 'a fault', 3,
                    now() - interval '{age} minutes'
                from identity.event_order o join identity.event_log l on l.position = o.position where o.sequence = {age}
                """);
        var letters = await gateway.Api.All<DeadLetter>("/v1/dead-letters", token, limit: 1);
        letters.ConvertAll(letter => letter.Module).ShouldBe(["promotions", "orders", "quests", "orders"]);
        foreach (var letter in letters)
            (await gateway.Api.Post($"/v1/dead-letters/{letter.Id}/redrive", null, token)).Code.ShouldBe(204);
        (await gateway.Api.All("/v1/dead-letters", token)).ShouldBeEmpty();
        (await gateway.Api.Post($"/v1/dead-letters/{Guid.CreateVersion7()}/redrive", null, token)).Problem.ShouldBe("not-found");
    }

    private static async Task WhatIsAwayIsNamed(TestCluster cluster, TestGateway gateway, string token)
    {
        await cluster[2].Kill();
        var order = await gateway.Api.Post("/v1/orders", new { }, token, "a key");
        (order.Code, order.Problem).ShouldBe((503, "module-unavailable"));
        order.Text.ShouldContain("the module orders");
        order.Headers.RetryAfter.ShouldNotBeNull();
        (await gateway.Api.Get("/v1/vouchers", token)).Code.ShouldBe(200);
        foreach (var path in (string[])["/v1/events", "/v1/audit", "/v1/event-types", "/v1/dead-letters", "/v1/system"])
        {
            var page = await gateway.Api.Get(path, token);
            page.Code.ShouldBe(200, path);
            page["unavailable"].EnumerateArray().Select(module => module.GetString()).ShouldBe(["orders", "intake"], path);
        }
        (await gateway.Api.Get("/openapi/v1.json"))["x-unavailable"].GetArrayLength().ShouldBe(2);
        await gateway.Sees(cluster.Url(2), ready: false, backend: "orders,intake");
        (await gateway.Api.Get("/health/ready")).Code.ShouldBe(200, "the gateway still serves the other modules");
        (await gateway.Api.Get("/health/live")).Code.ShouldBe(200);
        (await gateway.Api.Post($"/v1/dead-letters/{Guid.CreateVersion7()}/redrive", null, token)).Problem.ShouldBe("module-unavailable");
    }

    /// <summary>The text with members in alphabetical order.</summary>
    private static string Sorted(JsonNode? node) => node switch
    {
        JsonObject item => "{"
            + string.Join(
            ",\n", item.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => $"\"{member.Key}\":{Sorted(member.Value)}"))
            + "}",
        JsonArray { Count: > 0 } tags when tags[0] is JsonObject first && first.Count == 1 && first.ContainsKey("name") =>
            "[" + string.Join(",\n", tags.Select(Sorted).Order(StringComparer.Ordinal)) + "]",
        JsonArray items => "[" + string.Join(",\n", items.Select(Sorted)) + "]",
        null => "null",
        _ => node.ToJsonString(),
    };
}
