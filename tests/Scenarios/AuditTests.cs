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
        var operatorToken = await boon.OperatorToken();
        var operatorId = (await boon.Api.Get("/v1/users/me", operatorToken)).Id;
        var campaign = await boon.CreateCampaign();
        var (user, username, password) = await boon.Register();
        var member = await boon.Api.SignIn(username, password);
        await boon.Decisions(campaign, 1);
        var key = await boon.Api.Post("/v1/api-keys", new { name = "A shop" }, operatorToken);
        var reported = new { specversion = "1.0", id = "1", source = "/shop", type = "visited", userid = user.ToString() };
        (await boon.Api.Post("/v1/events", reported, key["key"].GetString())).Code.ShouldBe(202);
        (await boon.Api.Put("/v1/coupon-types/AUDIT", new { perUser = 1 }, operatorToken)).Code.ShouldBeInRange(200, 204);
        (await boon.Api.Post(
            "/v1/coupons", new
            { coupons = new[]
            { new { code = "AUDIT", type = "AUDIT", discount = new { kind = "percent", value = 10 },
            expiresAt = "2090-01-01T00:00:00Z" } } }, operatorToken)).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/claims", new { type = "AUDIT" }, member)).Code.ShouldBeInRange(200, 202);

        var by = (await Events("/v1/events")).ToLookup(e => e.GetProperty("type").GetString(), By);
        by["promotions.campaign-created.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["intake.api-key-created.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["promotions.coupons-uploaded.v1"].ShouldBe([$"operator:{operatorId}"]);
        by["identity.user-registered.v1"].ShouldBe([$"member:{user}", "system"], "the member, and the first operator before them");
        by["identity.user-signed-in.v1"].ShouldContain($"member:{user}");
        by["identity.signing-key-created.v1"].ShouldHaveSingleItem().ShouldBe("system");
        by["external.visited"].ShouldBe([$"api-key:{key.Id}"]);
        by["promotions.coupon-claimed.v1"].ShouldBe([$"member:{user}"]);
        by["promotions.voucher-issued.v1"].ShouldBe(["system"]);
        var downloaded = (await boon.Api.Get("/v1/logs/promotions", operatorToken)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement);
        downloaded.Single(e => e.GetProperty("type").GetString() == "promotions.campaign-created.v1").GetProperty("by").GetString()
            .ShouldBe($"operator:{operatorId}");
    }

    private async Task<List<JsonElement>> Events(string path) => await boon.Api.All(path, await boon.OperatorToken());

    private static string? By(JsonElement e) => e.TryGetProperty("by", out var by) ? by.GetString() : null;
}
