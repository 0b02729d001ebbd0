using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What can trigger a campaign or a quest, how operators find it, and what is said of a trigger that never fires.</summary>
public sealed class TriggerTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private async Task<Answer> Campaign(string trigger, object? when = null) => await boon.Api.Post("/v1/campaigns", new
    {
        name = "c", trigger, when, limit = 1, benefit = new { kind = "percent", value = 1 }, voucherValidFor = "P1D",
    }, await boon.OperatorToken());

    private async Task<Answer> Quest(string trigger, object? when = null)
    {
        var token = await boon.OperatorToken();
        var reward = await boon.Api.Post("/v1/rewards", new { name = "r", item = "gold", quantity = 1 }, token);
        return await boon.Api.Post("/v1/quests", new { name = "q", rewardId = reward.Id, trigger, when }, token);
    }

    private static string Fault(Answer answer)
    {
        (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
        return answer.Errors["trigger"][0];
    }

    private Task<Answer> Report(string type) => ReportAs(type, Guid.CreateVersion7().ToString());

    private async Task<Answer> ReportAs(string type, string id) => await boon.Api.Raw(
        HttpMethod.Post, "/v1/events", System.Text.Encoding.UTF8.GetBytes(
            $$"""{"specversion":"1.0","id":"{{id}}","source":"/shop","type":"{{type}}","userid":"ada"}"""),
        "application/cloudevents+json", await boon.OperatorToken());

    [Fact]
    public async Task Every_type_of_events_is_listed_with_its_members_a_sample_and_what_it_can_trigger()
    {
        var token = await boon.OperatorToken();
        (await Report("shop.listed.v2")).Code.ShouldBe(202);
        (await Report("shop.listed.v1")).Code.ShouldBe(202);
        (await Report("shop.listed.v1")).Code.ShouldBe(202);
        var types = await boon.Api.All<EventTypeView>("/v1/event-types", token, limit: 7);
        var names = types.ConvertAll(type => type.Type);
        names.ShouldBe(names.Distinct().Order(StringComparer.Ordinal));
        names.ShouldBe((await boon.Api.All<EventTypeView>("/v1/event-types", token)).Select(type => type.Type));
        Boon.Contracts.EventCatalog.Types.Keys.ShouldBeSubsetOf(names);
        names.ShouldContain("external.shop.listed.v1");
        names.ShouldContain("external.shop.listed.v2");

        string[] Triggers(string name) => types.Single(type => type.Type == name).Triggers;
        Triggers("identity.user-signed-in.v1").ShouldBe(["campaigns", "quests"], ignoreOrder: true);
        Triggers("external.shop.listed.v1").ShouldBe(["campaigns", "quests"], ignoreOrder: true);
        Triggers("promotions.code-redeemed.v1").ShouldBe(["quests"]);
        Triggers("quests.quest-completed.v1").ShouldBe(["campaigns"]);
        Triggers("identity.signing-key-created.v1").ShouldBeEmpty("it is about no user");

        var signedIn = types.Single(type => type.Type == "identity.user-signed-in.v1");
        var members = signedIn.Members.ToDictionary(member => member.Name, member => member.Type);
        (members["userId"], members["first"], members["number"]).ShouldBe(("string", "boolean", "integer"));
        signedIn.Sample!.Value.EnumerateObject().Select(member => member.Name).ShouldBe(members.Keys, ignoreOrder: true);
        (await boon.Api.Get("/v1/event-types", (await boon.SeedMembers(1))[0].Token)).Code.ShouldBe(403);
        (await boon.Api.Get("/v1/event-types")).Code.ShouldBe(401);
    }

    [Fact]
    public async Task What_is_listed_as_a_trigger_is_taken_and_everything_else_is_refused()
    {
        var types = await boon.Api.All<EventTypeView>("/v1/event-types", await boon.OperatorToken());
        foreach (var type in types)
        {
            var (name, uses) = (type.Type, type.Triggers);
            (await Campaign(name)).Code.ShouldBe(uses.Contains("campaigns") ? 201 : 400, name);
            (await Quest(name)).Code.ShouldBe(uses.Contains("quests") ? 201 : 400, name);
        }
    }

    [Theory]
    [InlineData("identity.user-sign-in", "did you mean identity.user-signed-in?")]
    [InlineData("identity.user-signedin.v1", "did you mean identity.user-signed-in.v1?")]
    [InlineData("identity.user-signed-in.v2", "did you mean identity.user-signed-in.v1?")]
    [InlineData("users.user-registered", "did you mean identity.user-registered?")]
    [InlineData("order.order-confirmed", "did you mean orders.order-confirmed?")]
    [InlineData("shop.basket-abandoned", "is no event's name; GET /v1/event-types")]
    [InlineData("promotions.code-redeemed", "must not be an event of promotions")]
    [InlineData("promotions.no-such", "must not be an event of promotions")]
    [InlineData("intake.api-key-created", "is an event of no user")]
    public async Task A_trigger_that_never_fires_is_refused_and_near_names_are_told(string trigger, string fault) =>
        Fault(await Campaign(trigger)).ShouldContain(fault);

    [Fact]
    public async Task Quests_refuse_their_own_events_and_unknown_ones_too()
    {
        Fault(await Quest("quests.quest-completed")).ShouldContain("must not be an event of quests");
        Fault(await Quest("wallet.wallet-credit")).ShouldContain("did you mean wallet.wallet-credited?");
    }

    [Fact]
    public async Task A_trigger_of_another_system_is_taken_with_a_warning_until_it_was_reported_and_so_is_a_condition_that_never_holds()
    {
        var token = await boon.OperatorToken();
        foreach (var create in (Func<string, object?, Task<Answer>>[])[Campaign, Quest])
        {
            var type = "shop.t" + Guid.CreateVersion7().ToString("N");
            var created = await create("external." + type, null);
            created.Code.ShouldBe(201);
            created["warnings"][0].GetString()!.ShouldContain(type);
            var path = created.Headers.Location!.ToString();
            (await boon.Api.Patch(path, new { name = "n" }, token))["warnings"].GetArrayLength().ShouldBe(1);
            (await Report(type + ".v7")).Code.ShouldBe(202);
            (await boon.Api.Patch(path, new { name = "n" }, token)).Body.TryGetProperty("warnings", out _).ShouldBeFalse();
            (await create("external." + type, null)).Body.TryGetProperty("warnings", out _).ShouldBeFalse();
            (await create("external." + type + ".v7", null)).Body.TryGetProperty("warnings", out _).ShouldBeFalse();
            (await create("external." + type + ".v8", null))["warnings"].GetArrayLength().ShouldBe(1);
            (await boon.Api.Get(path, token)).Body.TryGetProperty("warnings", out _).ShouldBeFalse();

            (await create("identity.user-signed-in", new { frist = true }))["warnings"][0].GetString()!.ShouldContain("frist");
            (await create("identity.user-signed-in", new { first = true })).Body.TryGetProperty("warnings", out _).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("orders.order-canceled", "is no event's name; did you mean orders.order-cancelled?")]
    [InlineData("orders.order-confirmed.v1", "must be another event than the trigger")]
    [InlineData("quests.quest-completed", "must not be an event of quests")]
    [InlineData("identity.signing-key-created", "is an event of no user")]
    [InlineData("wallet.wallet-credited", "is about another kind of thing (wallet) than the trigger (order)")]
    [InlineData("Not a name", "must be an event's name")]
    [InlineData("", "must have 3 to 200 characters")]
    public async Task What_cannot_reverse_is_refused(string reversedBy, string why)
    {
        var answer = await boon.Api.Post(
            "/v1/quests", new { name = "q", rewardId = await boon.CreateReward(), trigger = "orders.order-confirmed", reversedBy },
            await boon.OperatorToken());
        (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
        answer["errors"].GetProperty("reversedBy")[0].GetString().ShouldStartWith(why);
    }
}
