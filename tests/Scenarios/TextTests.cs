using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Texts over HTTP: what is one and what is two, what has no place in them, and how long they are.</summary>
public sealed class TextTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private const string Password = "a long enough phrase";

    private Task<Answer> Register(string username, string? email = null, string fullName = "Somebody") =>
        boon.Api.Post("/v1/users", new
            { username, email = email ?? $"u{Guid.CreateVersion7():N}@example.com", phone = TestBoon.NewPhone(), password = Password,
            fullName });

    [Theory]
    [InlineData("straße-1", "STRASSE-1")]
    [InlineData("İpek", "i\u0307PEK")]
    [InlineData("ﬁn", "FIN")]
    [InlineData("Ωmega", "ωMEGA")]
    public async Task Usernames_that_fold_to_one_key_are_one_account(string username, string other)
    {
        var id = (await Register(username)).Id;
        (await boon.Api.Get("/v1/users/me", await boon.Api.SignIn(other, Password))).Id.ShouldBe(id);
        (await Register(other))["errors"].EnumerateObject().Select(error => error.Name).ShouldBe(["username"]);
    }

    [Theory]
    [InlineData("straße-2@bücher.example", "STRASSE-2@xn--bcher-kva.example")]
    [InlineData("nfd@bu\u0308cher.example", "NFD@BÜCHER\u3002EXAMPLE")]
    public async Task Addresses_that_reach_one_mailbox_are_one_account(string email, string other)
    {
        var id = (await Register($"u{Guid.CreateVersion7():N}", email)).Id;
        (await boon.Api.Get("/v1/users/me", await boon.Api.SignIn(other, Password))).Id.ShouldBe(id);
        (await Register($"u{Guid.CreateVersion7():N}", other))["errors"].EnumerateObject().Select(error => error.Name).ShouldBe(["email"]);
    }

    [Theory]
    [InlineData("\u200B")]
    [InlineData("a\u200Bda")]
    [InlineData("a\u00ADda")]
    [InlineData("a\u200Dda")]
    [InlineData("\u202Eada")]
    [InlineData("\u3164")]
    [InlineData("ada\U000E0041")]
    [InlineData("ada\uFE0F")]
    public async Task Invisible_characters_are_refused_wherever_texts_are_typed_or_compared(string text)
    {
        var token = await boon.OperatorToken();
        var member = boon.TokenOf(Guid.CreateVersion7());
        async Task Refused(string path, object body, string field, string? token, string contentType = "application/json")
        {
            var answer = await boon.Api.Raw(
                HttpMethod.Post, path, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(body), contentType, token);
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), $"{path} {field}: {answer.Text}");
            answer["errors"].EnumerateObject().Select(error => error.Name).ShouldContain(field, answer.Text);
        }
        var benefit = new { kind = "percent", value = 1, products = new[] { text } };
        await Refused("/v1/users", new
            { username = text, email = "i1@example.com", phone = "+15550000009", password = Password, fullName = "X" }, "username", null);
        await Refused("/v1/users", new
            { username = "i1", email = $"{text}@example.com", phone = "+15550000009", password = Password, fullName = "X" }, "email", null);
        await Refused("/v1/sessions", new { identifier = text, password = Password }, "identifier", null);
        await Refused("/v1/redemptions/preview", new { code = text, amount = 1, currency = "USD" }, "code", member);
        await Refused("/v1/redemptions", new { code = "c", amount = 1, currency = "USD", product = text }, "product", member);
        await Refused("/v1/redemptions", new { code = "c", amount = 1, currency = "USD", reference = text }, "reference", member);
        await Refused("/v1/orders", new { product = text, quantity = 1, total = new { amount = 1, currency = "USD" } }, "product", member);
        await Refused("/v1/campaigns", new { name = text, trigger = "external.a.b", limit = 1, benefit, voucherValidFor = "P1D" },
            "benefit.products", token);
        await Refused("/v1/events", new { specversion = "1.0", id = text, source = "/s", type = "t.t" }, "id", token);
        await Refused("/v1/events", new { specversion = "1.0", id = "1", source = text, type = "t.t" }, "source", token);
        await Refused("/v1/events", new { specversion = "1.0", id = "1", source = "/s", type = "t.t", userid = text }, "userid", token);
        if (!text.EndsWith('\uFE0F'))
        {
            await Refused("/v1/campaigns", new
                { name = text, trigger = "external.a.b", limit = 1, benefit = new { kind = "percent", value = 1 },
                voucherValidFor = "P1D" }, "name", token);
            await Refused("/v1/rewards", new { name = text, item = "gold", quantity = 1 }, "name", token);
            await Refused("/v1/api-keys", new { name = text }, "name", token);
        }
        var upload = await boon.Api.Raw(
            HttpMethod.Post, "/v1/coupons",
            $$"""{"coupons":[{"code":"{{text}}","discount":{"kind":"percent","value":1},"expiresAt":"2090-01-01T00:00:00Z"}]}""", token);
        (upload.Code, upload.Faults[0].Field).ShouldBe((422, "code"), upload.Text);
    }

    [Fact]
    public async Task Limits_count_code_points_and_emoji_stay_good_in_names_of_people_and_things()
    {
        var family = string.Concat(Enumerable.Repeat("👩\u200D💻", 66)); // 198 code points
        var user = await Register($"u{Guid.CreateVersion7():N}", fullName: family + "😀😀");
        user.Code.ShouldBe(201, user.Text);
        user["fullName"].GetString().ShouldBe(family + "😀😀");
        (await Register($"u{Guid.CreateVersion7():N}", fullName: family + "😀😀😀")).Errors.ShouldContainKey("fullName");
        (await Register(string.Concat(Enumerable.Repeat("😀", 63)) + "1")).Code.ShouldBe(201);
        (await boon.Api.Post(
            "/v1/rewards", new { name = "❤\uFE0F 👩\u200D💻", item = "gold", quantity = 1 }, await boon.OperatorToken()))
            .Code.ShouldBe(201);
    }

    [Fact]
    public async Task A_password_of_the_longest_emoji_signs_in_and_one_that_is_longer_is_refused_wherever_passwords_are()
    {
        var longest = string.Concat(Enumerable.Repeat("😀", 128)); // 256 units of UTF-16
        var longer = new string('x', 129);
        var username = $"u{Guid.CreateVersion7():N}";
        var registered = await boon.Api.Post(
            "/v1/users", new
            { username, email = $"{username}@example.com", phone = TestBoon.NewPhone(), password = longest, fullName = "X" });
        registered.Code.ShouldBe(201, registered.Text);
        var token = await boon.Api.SignIn(username, longest);
        Answer[] refused =
        [
            await boon.Api.Post("/v1/sessions", new { identifier = username, password = longer }),
            await boon.Api.Patch("/v1/users/me", new { email = "e@example.com", currentPassword = longer }, token),
            await boon.Api.Erase(token, longer),
        ];
        foreach (var answer in refused)
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
        (await boon.Api.Erase(token, longest)).Code.ShouldBe(204);
    }

    [Fact]
    public async Task Products_references_and_when_are_the_same_however_they_are_composed()
    {
        var nfd = "cafe\u0301";
        var campaign = await boon.CreateCampaign(
            new
            {
                trigger = "test.nfc", when = new Dictionary<string, object> { ["na\u0308me"] = nfd },
                benefit = new { kind = "percent", value = 10, products = new[] { "café" } },
            });
        var (member, token) = (await boon.SeedMembers(1))[0];
        await boon.Append("test.nfc.v1", member, """{"näme":"café"}""");
        await boon.Decisions(campaign, 1);
        var code = (await boon.Api.All<Voucher>("/v1/vouchers", token)).Single().Code;
        (await boon.Api.Post("/v1/redemptions/preview", new { code, amount = 100, currency = "USD", product = nfd }, token))["discount"]
            .GetInt64().ShouldBe(10);
        // A benefit that was stored by a former version, and an order.
        await boon.Execute("update promotions.codes set benefit = $1::json where code = $2",
            """{"kind":"percent","value":10,"products":["XX"]}""".Replace("XX", nfd, StringComparison.Ordinal), code!);
        var order = await boon.Api.Post(
            "/v1/orders", new { product = nfd, quantity = 1, total = new { amount = 100, currency = "USD" }, code }, token);
        order["product"].GetString().ShouldBe("café");
        await Eventually.Holds(
            "the order", async () => (await boon.Api.Get($"/v1/orders/{order.Id}", token))["state"].GetString() == "confirmed");
    }

    [Fact]
    public async Task Keys_of_a_former_version_are_folded_at_the_start_and_collisions_stay_two_accounts()
    {
        await using var before = await TestBoon.StartAsync();
        var api = before.Api;
        async Task<Guid> Former(string username, string usernameKey, string email, string emailKey)
        {
            var registered = await api.Post(
                "/v1/users", new
                { username = $"x{Guid.CreateVersion7():N}", email = $"x{Guid.CreateVersion7():N}@example.com", phone = TestBoon.NewPhone(),
                password = Password, fullName = "X" });
            await before.Execute(
                "update identity.users set username = $2, username_key = $3, email = $4, email_key = $5 where id = $1", registered.Id,
                username, usernameKey, email, emailKey);
            return registered.Id;
        }
        var sharp = await Former("Straße", "straße", "Gruß@Bücher.example", "gruß@bücher.example");
        var plain = await Former("strasse2", "strasse2", "plain@example.com", "plain@example.com");
        var taken = await Former("Straße2", "straße2", "straße2@example.com", "straße2@example.com");
        await before.Execute("update identity.folded_keys set up_to = '00000000-0000-0000-0000-000000000000'");
        await using var after = await before.StartBesideAsync();
        async Task<Guid> SignIn(string identifier) =>
            (await after.Api.Get("/v1/users/me", await after.Api.SignIn(identifier, Password))).Id;
        foreach (var identifier in (string[])["STRASSE", "straße", "gruß@bücher.example", "GRUSS@xn--bcher-kva.example"])
            (await SignIn(identifier)).ShouldBe(sharp, identifier);
        // Each of the two that are one by today's rules is found by its own spelling.
        (await SignIn("STRASSE2")).ShouldBe(plain);
        (await SignIn("straße2")).ShouldBe(taken);
        (await SignIn("STRASSE2@example.com")).ShouldBe(taken);
        (await after.Scalar<string>(
            "select string_agg(username_key, ' ' order by id) from identity.users where id = any ($1)", new[] { sharp, plain, taken }))
            .ShouldBe("strasse strasse2 straße2");
    }
}
