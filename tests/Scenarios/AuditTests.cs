using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Each event says who caused it.</summary>
public sealed class AuditTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    [Fact]
    public async Task Events_name_the_operator_member_or_key_that_caused_them_and_effects_the_system()
    {
        // All events of its host are judged, so no other test adds any.
        await using var alone = await TestBoon.StartAsync();
        var operatorToken = await alone.OperatorToken();
        var operatorId = (await alone.Api.Get("/v1/users/me", operatorToken)).Id;
        var campaign = await alone.CreateCampaign();
        var (user, username, password) = await alone.Register();
        var member = await alone.Api.SignIn(username, password);
        await alone.Decisions(campaign, 1);
        var key = await alone.Api.Post("/v1/api-keys", new { name = "A shop" }, operatorToken);
        var reported = new { specversion = "1.0", id = "1", source = "/shop", type = "visited", userid = user.ToString() };
        (await alone.Api.Post("/v1/events", reported, key["key"].GetString())).Code.ShouldBe(202);
        (await alone.Api.Put("/v1/coupon-types/AUDIT", new { perUser = 1 }, operatorToken)).Code.ShouldBeInRange(200, 204);
        (await alone.Api.Post(
            "/v1/coupons", new
            { coupons = new[]
            { new { code = "AUDIT", type = "AUDIT", discount = new { kind = "percent", value = 10 },
            expiresAt = "2090-01-01T00:00:00Z" } } }, operatorToken)).Code.ShouldBe(201);
        (await alone.Api.Post("/v1/claims", new { type = "AUDIT" }, member)).Code.ShouldBeInRange(200, 202);

        var by = (await alone.Api.All<Event>("/v1/events", operatorToken)).ToLookup(e => e.Type, e => e.By);
        by["promotions.campaign-created.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["intake.api-key-created.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["promotions.coupons-uploaded.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["identity.user-registered.v1"].ShouldBe([$"member:{user}", "system"], "the member, and the first operator before them");
        by["identity.user-signed-in.v1"].ShouldContain($"member:{user}");
        by["identity.signing-key-created.v1"].ShouldHaveSingleItem().ShouldBe("system");
        by["external.visited"].ShouldBe([$"api-key:{key.Id}"]);
        by["promotions.coupon-claimed.v1"].ShouldBe([$"member:{user}"]);
        by["promotions.voucher-issued.v1"].ShouldBe(["system"]);
        var downloaded = (await alone.Api.Get("/v1/logs/promotions", operatorToken)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Views.Read<Event>(JsonDocument.Parse(line).RootElement));
        downloaded.Single(e => e.Type == "promotions.campaign-created.v1").By.ShouldBe($"operator:{operatorId}");
    }

    [Fact]
    public async Task The_audit_tells_who_did_what_and_why_and_each_filter_gives_its_part()
    {
        var token = await boon.OperatorToken();
        var me = (await boon.Api.Get("/v1/users/me", token)).Id;
        var (user, username, password) = await boon.Register();
        var member = await boon.Api.SignIn(username, password);
        var other = boon.TokenOf(Guid.CreateVersion7(), "operator");
        var before = TimeProvider.System.GetUtcNow().AddHours(-1);
        const string why = "Ticket 4711: Ω für José";
        var quest = await Reasoned(HttpMethod.Post, "/v1/rewards", new { name = "R", item = "gold", quantity = 1 }, token, why);
        (await Reasoned(HttpMethod.Post, "/v1/rewards", new { name = "R", item = "gold", quantity = 2 }, other, reason: null))
            .Code.ShouldBe(201);
        var order = await Reasoned(HttpMethod.Post, "/v1/orders",
            new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = user }, token, "for a friend");
        order.Code.ShouldBe(201, order.Text);
        (await Reasoned(HttpMethod.Post, "/v1/orders",
            new { product = "p", quantity = 2, total = new { amount = 1, currency = "USD" } }, member, "my own secret")).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/coupon-types/none", null, token)).Code.ShouldBe(405);

        var mine = (await Events($"/v1/audit?actor=operator:{me}&type=quests.reward-created")).First();
        (mine.GetProperty("by").GetString(), mine.GetProperty("reason").GetString()).ShouldBe(($"operator:{me}", why));
        mine.GetProperty("subject").GetString().ShouldBe($"reward/{quest.Id}");
        (await Events("/v1/events?type=quests.reward-created.v1")).Single(e => e.GetProperty("subject").GetString() == $"reward/{quest.Id}")
            .GetRawText().ShouldBe(mine.GetRawText());

        var all = await Events("/v1/events");
        var audit = await Events("/v1/audit");
        audit.Select(Raw).ShouldBe(all.Where(IsOnOthers).Select(Raw), ignoreOrder: true);
        audit.Count.ShouldBeGreaterThan(3);
        (await boon.Api.All("/v1/audit", token, limit: 2)).Select(Raw).ShouldBe(audit.Select(Raw));
        (await Events("/v1/audit?actor=operator")).Select(Raw).ShouldBe(
            audit.Where(e => By(e)!.StartsWith("operator:", StringComparison.Ordinal)).Select(Raw));
        (await Events("/v1/audit?module=orders&actor=operator")).Select(Raw).ShouldBe(audit.Where(e =>
            e.GetProperty("source").GetString() == "/orders").Select(Raw));
        (await Events($"/v1/audit?userId={user}")).Select(Raw).ShouldBe(
            all.Where(e => OfUser(e) == user && IsOfSomebody(e)).Select(Raw), ignoreOrder: true);
        (await Events($"/v1/audit?userId={user}&actor=operator:{me}&type=orders.order-placed")).ShouldHaveSingleItem()
            .GetProperty("reason").GetString().ShouldBe("for a friend");
        (await Events($"/v1/audit?actor=member:{user}")).Select(Raw).ShouldBe(
            all.Where(e => By(e) == $"member:{user}").Select(Raw), ignoreOrder: true);
        (await Events($"/v1/audit?actor=member:{user}")).Exists(HasReason).ShouldBeFalse("members' are not kept");
        (await Events($"/v1/audit?to={before:yyyy-MM-ddTHH:mm:ssZ}")).ShouldBeEmpty();
        (await Events($"/v1/audit?from={before:yyyy-MM-ddTHH:mm:ssZ}")).Select(Raw).ShouldBe(audit.Select(Raw));
        (await Events("/v1/audit?actor=command-line")).ShouldBeEmpty();
        foreach (var bad in (string[])["actor=system", "actor=operator:", "actor=operator:x", "actor=command-line:1", "userId=x",
            "from=today", "to=2026-01-01", "module=none", "limit=0"])
            (await boon.Api.Get($"/v1/audit?{bad}", token)).Problem.ShouldBe("validation-failed", bad);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("two\u2028lines")]
    [InlineData("in\u200Bvisible")]
    public async Task A_reason_that_cannot_be_kept_is_refused_and_nothing_happens(string reason)
    {
        var token = await boon.OperatorToken();
        var body = new { name = $"N{Guid.CreateVersion7()}", item = "gold", quantity = 1 };
        var refused = await Reasoned(HttpMethod.Post, "/v1/rewards", body, token, reason);
        (refused.Code, refused.Problem).ShouldBe((400, "validation-failed"), refused.Text);
        refused["errors"].EnumerateObject().Single().Name.ShouldBe("Boon-Reason");
        (await Reasoned(HttpMethod.Post, "/v1/rewards", body, token, new string('x', 201))).Problem.ShouldBe("validation-failed");
        (await boon.Scalar<long>("select count(*) from quests.rewards where name = $1", body.name)).ShouldBe(0);
        (await Reasoned(HttpMethod.Post, "/v1/rewards", body, token, new string('é', 200))).Code.ShouldBe(201);
    }

    private async Task<Answer> Reasoned(HttpMethod method, string path, object body, string token, string? reason)
    {
        using var http = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.UTF8 });
        using var request = new HttpRequestMessage(method, new Uri(new Uri(boon.Api.Url), path))
            { Content = System.Net.Http.Json.JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        if (reason is not null)
            request.Headers.TryAddWithoutValidation("Boon-Reason", reason);
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, JsonSerializer.Deserialize<JsonElement>(text), response.Headers, text);
    }

    private static bool HasReason(JsonElement e) => e.TryGetProperty("reason", out _);

    private static string Raw(JsonElement e) => e.GetRawText();

    private static Guid? OfUser(JsonElement e) => e.TryGetProperty("userid", out var user) ? user.GetGuid() : null;

    private static bool IsOfSomebody(JsonElement e) => By(e) is not (null or "system" or "anonymous");

    private static bool IsOnOthers(JsonElement e) => IsOfSomebody(e) && By(e) != $"member:{OfUser(e)}";

    private async Task<List<JsonElement>> Events(string path) => await boon.Api.All(path, await boon.OperatorToken());

    private static string? By(JsonElement e) => e.TryGetProperty("by", out var by) ? by.GetString() : null;
}
