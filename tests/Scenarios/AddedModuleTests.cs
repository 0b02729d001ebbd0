using Boon.Contracts;
using Boon.Greetings;
using Boon.Platform.Log;
using Boon.Platform.Units;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>A host with one module more: the project in tests/Greetings and the line below are all that it takes.</summary>
public sealed class HostWithGreetings : IAsyncLifetime
{
    internal TestBoon Boon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Boon = await TestBoon.StartWithAsync(new GreetingsModule());

    public ValueTask DisposeAsync() => Boon.DisposeAsync();
}

/// <summary>What Boon does for a module that it does not know.</summary>
public sealed class AddedModuleTests(HostWithGreetings host) : IClassFixture<HostWithGreetings>
{
    private readonly TestBoon boon = host.Boon;

    private Task<Answer> Greet(string token, string text = "Hello", string? key = null) =>
        boon.Api.Post("/v1/greetings", new { text }, token, key);

    [Fact]
    public async Task Its_endpoint_answers_and_knows_keys_and_bad_input()
    {
        var (_, token) = (await boon.SeedMembers(1))[0];
        var first = await Greet(token, key: "once");
        first.Code.ShouldBe(201, first.Text);
        (await Greet(token, key: "once")).Id.ShouldBe(first.Id);
        (await Greet(token, text: "")).Problem.ShouldBe("validation-failed");
    }

    [Fact]
    public async Task Its_event_triggers_campaigns_and_quests()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        var campaign = await boon.CreateCampaign(new { trigger = "greetings.greeting-sent", when = new { text = "Good morning" } });
        var quest = await boon.CreateQuest(new { trigger = GreetingSent.Name, streak = 2 });
        await Greet(token, "Good morning");
        await Greet(token, "Good night");
        await boon.CaughtUp();
        (await boon.Api.All<Voucher>("/v1/vouchers", token)).ShouldHaveSingleItem().CampaignId.ShouldBe(campaign);
        (await boon.Scalar<long>("select count(*) from quests.completions where quest_id = $1 and user_id = $2", quest, user)).ShouldBe(1);
    }

    [Fact]
    public async Task A_personal_member_of_its_event_is_refused_to_rules_stays_at_home_and_is_erased_with_the_account()
    {
        var (user, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        await using (var scope = boon.Services.CreateAsyncScope())
        await using (var unit = scope.ServiceProvider.GetRequiredService<Unit<GreetingsDb>>())
        {
            await unit.BeginAsync(CancellationToken.None);
            unit.Append(new GreetingSent(Guid.CreateVersion7(), user, "Hello", "Ada"));
            await unit.CommitAsync(CancellationToken.None);
        }
        (await boon.Api.Post("/v1/quests", new { name = "q", trigger = GreetingSent.Name, when = new { signature = "Ada" } },
            await boon.OperatorToken())).Errors["when"][0].ShouldContain("signature");
        const string data = "select payload::text from greetings.event_log where userid = $1";
        var logged = await boon.Scalar<string>(data, user);
        logged.ShouldContain("Ada");
        var e = new LoggedEvent(
            "greetings", 1, Guid.CreateVersion7(), GreetingSent.Name, "greeting", "1", user, System.Text.Encoding.UTF8.GetBytes(logged),
            DateTime.UnixEpoch, DateTime.UnixEpoch, null, null, null);
        System.Text.Encoding.UTF8.GetString(e.WithoutPersonal(boon.Services.GetRequiredService<EventTypes>()).Payload)
            .ShouldNotContain("Ada");
        (await boon.Api.Erase(token, password)).Code.ShouldBe(204);
        await boon.CaughtUp();
        (await boon.Scalar<string>(data, user)).ShouldContain("Hello");
        (await boon.Scalar<string>(data, user)).ShouldNotContain("Ada");
    }

    [Fact]
    public async Task Its_subscription_handles_the_events_of_another_module()
    {
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.CreateCampaign(new { trigger = "greetings.greeting-sent", when = new { text = "Thanks" } });
        await Greet(token, "Thanks");
        await boon.CaughtUp();
        (await boon.Scalar<long>("select count(*) from greetings.voucher_notes where user_id = $1", user)).ShouldBe(1);
    }

    [Fact]
    public async Task Its_event_is_listed_with_its_members_and_a_trigger_that_is_nearly_its_name_is_explained()
    {
        var type = (await boon.Api.All<EventTypeView>("/v1/event-types", await boon.OperatorToken()))
            .Single(one => one.Type == GreetingSent.Name);
        type.Triggers.ShouldBe(["campaigns", "quests"], ignoreOrder: true);
        type.Members.Select(member => member.Name).ShouldBe(["greetingId", "userId", "text", "signature"]);
        var refused = await boon.Api.Post(
            "/v1/quests", new { name = "q", trigger = "greetings.greeting-send" }, await boon.OperatorToken());
        refused.Errors["trigger"][0].ShouldContain("did you mean greetings.greeting-sent?");
    }

    [Fact]
    public async Task The_OpenAPI_document_has_its_endpoint()
    {
        var document = await ApiDocument.Of(boon);
        var operation = document.Operations.Single(one => one.Id == "sendGreeting");
        operation.ToString().ShouldBe("POST /v1/greetings");
        operation.TakesHeader("Idempotency-Key").ShouldBeTrue();
        document.Schemas.Keys.ShouldContain("SendGreetingRequest");
    }

    [Fact]
    public async Task The_access_matrix_takes_a_row_for_its_endpoint()
    {
        await using var own = await TestBoon.StartWithAsync(new GreetingsModule());
        var rows = AccessMatrix.With("sendGreeting                1 + + + 1 1 1 1");
        (await AccessTests.WrongAnswersAsync(own, rows, only: "sendGreeting")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Its_schema_has_the_log_that_every_module_has()
    {
        const string columns = """
            select string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' order by table_name, column_name)
            from information_schema.columns
            where table_schema = $1
                and table_name in ('event_log', 'event_order', 'log_head', 'checkpoints', 'dead_letters', 'idempotency_keys')
            """;
        (await boon.Scalar<string>(columns, "greetings")).ShouldBe(await boon.Scalar<string>(columns, "wallet"));
        (await boon.Api.Get("/v1/logs/greetings", await boon.OperatorToken())).Code.ShouldBe(200);
    }

    [Fact]
    public async Task A_host_without_it_knows_nothing_of_it()
    {
        await using var without = await TestBoon.StartAsync();
        (await without.Api.Post("/v1/greetings", new { text = "Hello" }, without.TokenOf(Guid.CreateVersion7()))).Code.ShouldBe(404);
        var refused = await without.Api.Post("/v1/quests", new { name = "q", trigger = GreetingSent.Name }, await without.OperatorToken());
        refused.Errors["trigger"][0].ShouldStartWith("is no event's name");
        EventCatalog.Types.Keys.ShouldNotContain(GreetingSent.Name);
    }
}
