using Boon.Support;

namespace Boon.Scenarios;

public sealed class FirstHundredTests : IAsyncLifetime
{
    private TestBoon boon = null!;

    public async ValueTask InitializeAsync() => boon = await TestBoon.StartAsync();

    public ValueTask DisposeAsync() => boon.DisposeAsync();

    [Fact]
    public async Task The_first_N_to_sign_in_get_a_voucher_and_the_others_a_reason()
    {
        var campaign = await boon.CreateCampaign(
            new
            {
                limit = 3, when = new { first = true },
                benefit = new { kind = "percent", value = 30, products = new[] { "mobile-top-up" } },
            });
        var people = new List<(Guid Id, string Token)>();
        for (var i = 0; i < 5; i++)
        {
            var person = await boon.Register();
            people.Add((person.Id, await boon.Api.SignIn(person.Username, person.Password)));
        }

        var decisions = await boon.Decisions(campaign, 5);
        decisions.Select(d => d.UserId).ShouldBe(people.Select(person => person.Id));
        decisions.Select(d => d.Rank).ShouldBe([1, 2, 3, 4, 5]);
        decisions.Select(d => d.Outcome).ShouldBe(["issued", "issued", "issued", "refused", "refused"]);
        decisions[4].Reason.ShouldBe("budget-exhausted");

        var vouchers = await boon.Api.All<Voucher>("/v1/vouchers", people[0].Token);
        vouchers.Count.ShouldBe(1);
        vouchers[0].State.ShouldBe("active");
        vouchers[0].Benefit.Value.ShouldBe(30);
        vouchers[0].Code.ShouldBe(decisions[0].VoucherCode);
        (await boon.Api.All<Voucher>("/v1/vouchers", people[4].Token)).ShouldBeEmpty();

        var view = await boon.Api.Get($"/v1/campaigns/{campaign}", await boon.OperatorToken());
        (view["limit"].GetInt64(), view["issued"].GetInt64(), view["remaining"].GetInt64(), view["redeemed"].GetInt64())
            .ShouldBe((3, 3, 0, 0));
    }

    [Fact]
    public async Task A_second_sign_in_is_no_first_one_and_a_user_gets_no_more_than_perUser()
    {
        var first = await boon.CreateCampaign(new { when = new { first = true } });
        var every = await boon.CreateCampaign(new { perUser = 2 });
        var person = await boon.Register();
        for (var i = 0; i < 3; i++)
            await boon.Api.SignIn(person.Username, person.Password);

        (await boon.Decisions(every, 3)).Select(d => d.Reason).ShouldBe([null, null, "already-issued"]);
        (await boon.Decisions(first, 1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_campaign_ignores_what_was_answered_before_it_was_created()
    {
        var early = await boon.Register();
        await boon.Api.SignIn(early.Username, early.Password);
        var campaign = await boon.CreateCampaign();
        var late = await boon.Register();
        await boon.Api.SignIn(late.Username, late.Password);

        (await boon.Decisions(campaign, 1)).Select(d => d.UserId).ShouldBe([late.Id]);
    }

    [Fact]
    public async Task A_change_applies_to_exactly_the_events_after_it()
    {
        var campaign = await boon.CreateCampaign(new { trigger = "test.moved" });
        var token = await boon.OperatorToken();
        var users = Enumerable.Range(0, 4).Select(_ => Guid.CreateVersion7()).ToList();
        await boon.Append("test.moved.v1", users[0], "{}");
        await boon.Decisions(campaign, 1);
        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { state = "paused" }, token)).Code.ShouldBe(200);
        await boon.Append("test.moved.v1", users[1], "{}");
        await boon.Decisions(campaign, 2);
        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { state = "active", limit = 1 }, token)).Code.ShouldBe(200);
        await boon.Append("test.moved.v2", users[2], "{}");
        await boon.Decisions(campaign, 3);
        (await boon.Api.Patch(
            $"/v1/campaigns/{campaign}", new { endsAt = TimeProvider.System.GetUtcNow().AddMinutes(-1) }, token)).Code.ShouldBe(200);
        await boon.Append("test.moved", users[3], "{}");
        await boon.CaughtUp();

        var decisions = await boon.Decisions(campaign, 3);
        decisions.Select(d => d.Reason).ShouldBe([null, "paused", "budget-exhausted"]);
        decisions.Select(d => d.Rank).ShouldBe([1, null, 2]);
    }

    [Fact]
    public async Task A_limit_is_never_below_what_is_issued_and_a_raised_one_gives_again()
    {
        var campaign = await boon.CreateCampaign(new { trigger = "test.counted", limit = 2 });
        var token = await boon.OperatorToken();
        for (var i = 0; i < 3; i++)
            await boon.Append("test.counted", Guid.CreateVersion7(), "{}");
        await boon.Decisions(campaign, 3);

        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { limit = 1 }, token)).Problem.ShouldBe("limit-below-issued");
        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { limit = 3 }, token))["remaining"].GetInt64().ShouldBe(1);
        await boon.Append("test.counted", Guid.CreateVersion7(), "{}");
        var last = (await boon.Decisions(campaign, 4))[3];
        last.Outcome.ShouldBe("issued");
        last.Rank.ShouldBe(4);
    }

    [Fact]
    public async Task When_compares_type_and_value()
    {
        var campaign = await boon.CreateCampaign(new { trigger = "test.typed", when = new { level = 2, plan = "gold" } });
        foreach (var data in (string[])[
            """{"level":2,"plan":"gold","more":1}""", """{"level":"2","plan":"gold"}""", """{"level":2}""",
            """{"level":2,"plan":"Gold"}""", "[]"])
            await boon.Append("test.typed.v1", Guid.CreateVersion7(), data);
        await boon.CaughtUp();
        (await boon.Decisions(campaign, 1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_draft_decides_nothing_until_it_is_active()
    {
        var campaign = await boon.CreateCampaign(new { trigger = "test.drafted", state = "draft" });
        await boon.Append("test.drafted", Guid.CreateVersion7(), "{}");
        await boon.CaughtUp();
        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { state = "active" }, await boon.OperatorToken())).Code.ShouldBe(200);
        await boon.Append("test.drafted", Guid.CreateVersion7(), "{}");
        (await boon.Decisions(campaign, 1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_trace_of_a_sign_in_reaches_the_voucher()
    {
        await boon.CreateCampaign();
        var person = await boon.Register();
        const string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        await boon.Api.Send(HttpMethod.Post, "/v1/sessions", System.Net.Http.Json.JsonContent.Create(
            new { identifier = person.Username, password = person.Password }), null,
            change: request => request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01"));
        var token = await boon.OperatorToken();
        var issued = await Eventually.Get("the voucher's event", async () =>
            (await boon.Api.All<Event>($"/v1/events?type=promotions.voucher-issued&userId={person.Id}", token)).FirstOrDefault());
        issued.TraceParent.ShouldNotBeNull().ShouldContain(trace);
    }
}
