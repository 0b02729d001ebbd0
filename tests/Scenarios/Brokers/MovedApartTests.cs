using System.Globalization;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios.Brokers;

/// <summary>
/// A database that was lived in becomes a database for each module, joined by a broker, and one database again: as the guide of operations
/// says it. Nothing is lost and nothing happens twice.
/// </summary>
public sealed class MovedApartTests
{
    private static readonly string[] Modules = ["identity", "promotions", "quests", "wallet", "orders", "intake"];

    [Fact]
    public async Task One_database_becomes_several_and_one_again_and_everything_goes_on_where_it_was()
    {
        await using var rabbit = await TestRabbit.OwnAsync();
        var one = await TestServer.CreateMigratedAsync();
        var apart = new Dictionary<string, string>();
        foreach (var module in Modules)
            apart[module] = await TestServer.CreateDatabaseAsync();
        try
        {
            Lived lived;
            await using (var boon = await TestBoon.StartOnAsync(one))
            {
                lived = await Lived.BeginAsync(boon);
                await lived.GoOnAsync(boon);
                await boon.CaughtUp();
            }
            foreach (var module in Modules)
                await PostgresTools.CopySchemaAsync(module, one, apart[module]);
            await using (var boon = await TestBoon.StartOnAsync(one, [.. Settings(rabbit, apart)]))
            {
                // Its own address is known once it listens: a new rule asks each source where its log ends.
                boon.Services.GetRequiredService<IConfiguration>()["Boon:Gateway:Modules"] = boon.Urls.First();
                await boon.Ready();
                await lived.CheckAsync(boon);
                await lived.GoOnAsync(boon);
            }
            await using (var boon = await TestBoon.StartOnAsync(one))
                (await boon.Scalar<long>("select count(*) from orders.orders")).ShouldBe(1, "the database of before has what it had");
            foreach (var module in Modules)
                await PostgresTools.CopySchemaAsync(module, apart[module], one);
            await using (var boon = await TestBoon.StartOnAsync(one))
            {
                await lived.CheckAsync(boon);
                await lived.GoOnAsync(boon);
                await boon.CaughtUp();
                (await boon.Replay("quests", checkOnly: true)).Equal.ShouldBeTrue();
                (await boon.Replay("orders", checkOnly: true)).Equal.ShouldBeTrue();
            }
        }
        finally
        {
            foreach (var database in apart.Values.Append(one))
                await TestServer.DropDatabaseAsync(database);
        }
    }

    private static IEnumerable<(string, string)> Settings(TestRabbit rabbit, Dictionary<string, string> databases) =>
    [
        .. databases.Select(one => ($"ConnectionStrings:{one.Key}", one.Value)),
        .. Modules.Select(module => ($"Boon:Broker:Publishers:{module}", TestRabbit.Anybody)),
        ("Boon:Broker:Url", rabbit.Url()), ("Boon:Broker:Password", TestRabbit.Password),
        ("Boon:Services:Secret", new string('s', 40)), ("Boon:Gateway:Modules", "http://127.0.0.1:1"),
    ];

    /// <summary>What a member and an operator do wherever Boon is, and what must be there afterwards.</summary>
    private sealed class Lived
    {
        private readonly List<string> members = [];
        private Guid campaign;
        private Guid quest;

        internal static async Task<Lived> BeginAsync(TestBoon boon) => new()
        {
            campaign = await boon.CreateCampaign(new { when = new { first = true } }),
            quest = await boon.CreateQuest(new { streak = 1 }),
        };

        /// <summary>One more member signs in, gets a voucher and a completion, and orders with a coupon.</summary>
        internal async Task GoOnAsync(TestBoon boon)
        {
            var (_, username, password) = await boon.Register();
            var token = await boon.Api.SignIn(username, password);
            members.Add(username);
            (await boon.Decisions(campaign, members.Count)).Count.ShouldBe(members.Count);
            var code = await boon.HeldCoupon(token);
            var placed = await Eventually.Get("an order", async () => await boon.Api.Post(
                "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code }, token)
                is { Code: 202 } answer ? answer : null);
            (await boon.Settled(placed.Id, token)).As<Order>().State.ShouldBe("confirmed");
            await CheckAsync(boon);
        }

        /// <summary>Each member has one rank, one voucher and one confirmed order; the completions are as many as the sign-ins.</summary>
        internal async Task CheckAsync(TestBoon boon)
        {
            var decisions = await boon.Decisions(campaign, members.Count);
            decisions.Select(d => d.Rank!.Value).ShouldBe(Enumerable.Range(1, members.Count).Select(rank => (long)rank));
            decisions.ShouldAllBe(d => d.Outcome == "issued");
            var token = await boon.OperatorToken();
            var confirmed = await boon.Api.All<Event>("/v1/events?type=orders.order-confirmed", token);
            confirmed.Count.ShouldBe(members.Count);
            confirmed.Select(e => e.UserId).ShouldBe(decisions.Select(d => (Guid?)d.UserId), ignoreOrder: true);
            foreach (var type in (string[])["promotions.voucher-issued", "promotions.code-redeemed"])
                (await boon.Api.All<Event>($"/v1/events?type={type}", token)).Count.ShouldBe(
                    members.Count, type);
            await Eventually.Holds("a completion of the quest for each", async () =>
                (await boon.Api.All<Event>("/v1/events?type=quests.quest-completed", token))
                    .Count(e => e.Data.GetRawText().Contains(quest.ToString("D", CultureInfo.InvariantCulture),
                        StringComparison.Ordinal)) >= members.Count);
            (await boon.Api.Get("/v1/dead-letters", token)).Page<DeadLetter>().ShouldBeEmpty();
        }
    }
}
