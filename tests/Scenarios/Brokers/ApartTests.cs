using Boon.Broker.Transport;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RabbitMQ.Client;

namespace Boon.Scenarios.Brokers;

/// <summary>Modules with databases of their own, joined by a broker: what one database does, they do too.</summary>
public sealed class ApartTests
{
    private static readonly string[] Modules = ["identity", "promotions", "quests", "wallet", "orders", "intake"];

    [Fact]
    public async Task Orders_vouchers_and_quests_work_over_a_broker_and_replay_finds_the_same()
    {
        var rabbit = await TestRabbit.SharedAsync();
        await ForgetAsync(rabbit);
        var (promotions, orders) = (await TestServer.CreateDatabaseAsync(), await TestServer.CreateDatabaseAsync());
        try
        {
            await using var boon = await TestBoon.StartAsync(
            [
                ("ConnectionStrings:Promotions", promotions), ("ConnectionStrings:Orders", orders), ("Boon:Broker:Url", rabbit.Url()),
                ("Boon:Broker:Password", TestRabbit.Password), ("Boon:Services:Secret", new string('s', 40)),
                ("Boon:Gateway:Modules", "http://127.0.0.1:1"),
                .. Modules.Select(module => ($"Boon:Broker:Publishers:{module}", TestRabbit.Anybody)),
            ]);
            // Its own address is known once it listens: a new rule asks each source where its log ends.
            boon.Services.GetRequiredService<IConfiguration>()["Boon:Gateway:Modules"] = boon.Urls.First();
            var (_, username, password) = await boon.Register();
            var campaign = await boon.CreateCampaign(new { limit = 10 });
            var token = await boon.Api.SignIn(username, password);
            (await boon.Decisions(campaign, 1)).Count.ShouldBe(1);
            var code = await boon.HeldCoupon(token, maxUses: 1);
            var placed = await Eventually.Get("an order", async () => await boon.Api.Post(
                "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code }, token)
                is { Code: 202 } answer ? answer : null);
            var settled = await boon.Settled(placed.Id, token);
            (settled["state"].GetString(), settled["toPay"].GetProperty("amount").GetInt64()).ShouldBe(("confirmed", 900));
            await Eventually.Holds("the users", async () =>
                await Of<long>(orders, "select count(*) from orders.known_users") >= 2);
            (await boon.Replay("orders", checkOnly: true)).Equal.ShouldBeTrue();
            (await Of<bool>(orders, "select exists (select from copy_identity.event_log where payload::text like '%@example.com%')"))
                .ShouldBeFalse("personal data stays at home");
            await ReportedDataIsErased(boon, promotions);
            (await boon.Api.Get("/metrics")).Text.ShouldContain("boon_copy_stopped{source=\"identity\"} 0");
        }
        finally
        {
            await TestServer.DropDatabaseAsync(promotions);
            await TestServer.DropDatabaseAsync(orders);
        }
    }

    /// <summary>Deletes the streams of an earlier run: nobody else has these names on the broker that all share.</summary>
    private static async Task ForgetAsync(TestRabbit rabbit)
    {
        await using var connection = await new ConnectionFactory
            { Uri = new Uri(rabbit.Url()), Password = TestRabbit.Password, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        foreach (var module in Modules)
            await channel.QueueDeleteAsync(LogTransport.NameOf(module));
    }

    /// <summary>Data that another system reported reaches the copies, and leaves them when the account is erased.</summary>
    private static async Task ReportedDataIsErased(TestBoon boon, string reader)
    {
        var (user, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        var body = $$"""
            {"specversion":"1.0","id":"1","source":"/shop","type":"shop.visit","userid":"{{user}}","data":{"home":"Elm Street 7"} }
            """;
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", System.Text.Encoding.UTF8.GetBytes(body), "application/cloudevents+json",
            await boon.OperatorToken())).Code.ShouldBe(202);
        var data = $"select coalesce(min(payload::text), '') from copy_intake.event_log where userid = '{user}' "
            + "and type = 'external.shop.visit'";
        await Eventually.Holds(
            "the data in the copy", async () => (await Of<string>(reader, data)).Contains("Elm Street", StringComparison.Ordinal));
        (await boon.Api.Erase(token, password)).Code.ShouldBe(204);
        await Eventually.Holds("no data in the copy", async () => await Of<string>(reader, data) == "{}");
        (await boon.Scalar<bool>("select exists (select from intake.event_log where payload::text like '%Elm Street%')")).ShouldBeFalse();
    }

    private static async Task<T> Of<T>(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(TestServer.ForTest(database));
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
