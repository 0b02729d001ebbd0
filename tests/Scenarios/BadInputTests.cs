using System.Text;
using Boon.Platform;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Whatever comes in, the answer is the documented status and code, never a 500, and nothing changes.</summary>
[Collection("Defences")]
public sealed class BadInputTests
{
    private static readonly (HttpMethod Method, string Path, string Good)[] Bodies =
    [
        (HttpMethod.Post, "/v1/users", """{"username":"good","email":"good@example.com","phone":"+15550000001","password":"a long """
            + """enough phrase","fullName":"Good"}"""),
        (HttpMethod.Patch, "/v1/users/me", """{"fullName":"Good"}"""),
        (HttpMethod.Put, "/v1/users/01900000-0000-7000-8000-000000000000/roles", """{"roles":["member"]}"""),
        (HttpMethod.Post, "/v1/sessions", """{"identifier":"good","password":"a long enough phrase"}"""),
        (HttpMethod.Post, "/v1/sessions/refresh", """{"refreshToken":"x"}"""),
        (HttpMethod.Post, "/v1/campaigns", """{"name":"c","trigger":"external.a.b","when":{"a":"b"},"limit":1"""
            + ""","benefit":{"kind":"percent","value":1},"voucherValidFor":"P1D"}"""),
        (HttpMethod.Patch, "/v1/campaigns/01900000-0000-7000-8000-000000000000", """{"name":"c"}"""),
        (HttpMethod.Put, "/v1/coupon-types/BAD.NAME",
            """{"perUser":1,"pace":{"perSecond":1,"concurrency":1,"maxQueue":1,"maxWaitSeconds":1}}"""),
        (HttpMethod.Post, "/v1/coupons", """{"coupons":[{"code":"","type":"STANDARD","discount":{"kind":"percent","value":1}"""
            + ""","expiresAt":"2090-01-01T00:00:00Z","maxUses":1}]}"""),
        (HttpMethod.Post, "/v1/claims", """{"type":"NO-SUCH-TYPE"}"""),
        (HttpMethod.Post, "/v1/rewards", """{"name":"r","item":"silver","quantity":1}"""),
        (HttpMethod.Post, "/v1/quests", """{"name":"q","description":"d","rewardId":"01900000-0000-7000-8000-00000000000"""
            + """0","trigger":"external.a.b","when":{"a":"b"},"streak":1,"duplication":1,"autoClaim":true"""
            + ""","window":{"unit":"day","timeZone":"UTC"},"state":"active"}"""),
        (HttpMethod.Patch, "/v1/quests/01900000-0000-7000-8000-000000000000", """{"name":"q","streak":2,"state":"paused"}"""),
        (HttpMethod.Post, "/v1/redemptions", """{"code":"c","amount":1,"currency":"USD"}"""),
        (HttpMethod.Post, "/v1/orders", """{"product":"p","quantity":1,"total":{"amount":1,"currency":"USD"}"""
            + ""","code":"c","userId":"01900000-0000-7000-8000-000000000000"}"""),
        (HttpMethod.Post, "/v1/events",
            """{"specversion":"1.0","id":"","source":"s","type":"t.t","time":"2026-01-01T00:00:00Z","userid":"u","data":{"a":1}}"""),
        (HttpMethod.Post, "/v1/api-keys", """{"name":""}"""),
        (HttpMethod.Post, "/v1/redemptions/preview", """{"code":"c","amount":1,"currency":"USD"}"""),
    ];

    private static IEnumerable<(string What, byte[] Body)> Mutations(string good)
    {
        static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
        yield return ("empty", []);
        yield return ("null", Utf8("null"));
        yield return ("an array", Utf8("[]"));
        yield return ("a text", Utf8("\"x\""));
        yield return ("a number", Utf8("1e999999"));
        yield return ("cut off", Utf8(good[..^2]));
        yield return ("trailing", Utf8(good + "}"));
        yield return ("an unknown member", Utf8(good.Insert(1, "\"unknownMember\":1,")));
        yield return ("a comment", Utf8("/* x */" + good));
        yield return ("deep nesting",
            Utf8(good.Insert(1, "\"when\":" + string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000) + ",")));
        yield return ("bad UTF-8",
            [.. Utf8(good[..^1]), (byte)',', (byte)'"', 0xC3, 0x28, 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        yield return ("UTF-16", Encoding.Unicode.GetBytes(good));
        yield return ("a body of 2 MB", Utf8(good.Insert(1, "\"name\":\"" + new string('x', 2 * 1024 * 1024) + "\",")));
        foreach (var member in System.Text.Json.JsonDocument.Parse(good).RootElement.EnumerateObject())
        {
            var raw = $"\"{member.Name}\":{member.Value.GetRawText()}";
            byte[] With(string value) => Utf8(good.Replace(raw, $"\"{member.Name}\":{value}", StringComparison.Ordinal));
            yield return ($"{member.Name} twice", Utf8(good.Insert(1, raw + ",")));
            yield return ($"{member.Name} in another case",
                Utf8(good.Replace($"\"{member.Name}\"", $"\"{member.Name.ToUpperInvariant()}\"", StringComparison.Ordinal)));
            foreach (var value in (string[])[
                "{}", "[]", "[[]]", "true", "-1", "0.5", "1e400", "99999999999999999999999999", "\"\"", "\" \"", "\"a\\u0000b\"",
                "\"\\ud800\"", "\"\\u0007\"", "{\"a\\u0000\":1}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\udc00\"}", "{\"a\":[{}]}"])
                yield return ($"{member.Name} as {value}", With(value));
            yield return ($"{member.Name} of 1 MB", With($"\"{new string('n', 1_000_000)}\""));
            yield return ($"{member.Name} with half a character",
                [.. With("\"a").TakeWhile(b => b != 0), 0xE2, 0x82, (byte)'"', (byte)'}']);
        }
    }

    [Fact]
    public async Task Bad_bodies_are_4xx_with_a_code_and_change_nothing()
    {
        await using var boon = await TestBoon.StartAsync(
            ("Boon:SignIn:FailuresPerAddress", "100000"), ("Boon:SignIn:FailuresPerAccount", "100000"));
        var token = await boon.OperatorToken();
        var before = await Fingerprint(boon);
        foreach (var (method, path, good) in Bodies)
            foreach (var (what, body) in Mutations(good))
            {
                var answer = await boon.Api.Raw(method, path, body, token: token);
                // Some mutations are still what the call takes ("1 MB" of nothing excepted): then the answer is the one of a good call.
                if (answer.Code is 200 or 201 or 204)
                {
                    IsHarmless(path, what)
                        .ShouldBeTrue(
                            $"{method} {path} with {what} was taken: {Encoding.UTF8.GetString(body[..Math.Min(200, body.Length)])}");
                    continue;
                }
                answer.Code.ShouldBeInRange(400, 499, $"{method} {path} with {what}: {answer.Text}");
                answer.Problem.ShouldNotBeNullOrEmpty($"{method} {path} with {what}: {answer.Code} {answer.Text}");
                if (body.Length > 1024 * 1024 && path is not ("/v1/coupons" or "/v1/events"))
                    answer.Problem.ShouldBe("body-too-large");
            }
        (await Fingerprint(boon)).ShouldBe(before);
    }

    /// <summary>
    /// A preview of an unknown code is a good answer (valid: false); null members of a PATCH stay; an empty description and the like are
    /// texts.
    /// </summary>
    private static bool IsHarmless(string path, string what) =>
        path.EndsWith("/preview", StringComparison.Ordinal) && what.StartsWith("code as", StringComparison.Ordinal)
        || (path == "/v1/users/me" && what == "empty");

    private static Task<string> Fingerprint(TestBoon boon) => boon.Scalar<string>("""
        select concat_ws(' ', (select count(*) from identity.users),
            (select count(*) from identity.event_log where type not like 'identity.session%' and type <> 'identity.user-signed-in.v1'),
            (select string_agg(full_name || username, '') from identity.users), (select count(*) from promotions.campaigns),
                (select count(*) from promotions.event_log), (select count(*) from promotions.redemptions),
                (select count(*) from quests.event_log), (select version from quests.catalog_version),
                (select count(*) from orders.event_log), (select count(*) from intake.event_log), (select count(*) from intake.api_keys))
        """);

    [Theory]
    [Defended(nameof(Defences.InputGuard))]
    public async Task Text_that_no_column_can_hold_is_refused_at_the_door(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await using var boon = await TestBoon.StartAsync();
        await Guarantee.Show(run.Defended, async () =>
        {
            (await boon.Api.Raw(HttpMethod.Post, "/v1/sessions/refresh", """{"refreshToken":"a\u0000b"}""")).Code.ShouldBe(400);
            (await boon.Api.Raw(HttpMethod.Post, "/v1/redemptions/preview",
                """{"code":"a","amount":1,"currency":"USD","product":"\u0000"}""",
                boon.TokenOf(Guid.CreateVersion7()))).Problem.ShouldBe("invalid-json");
            (await boon.Api.Get("/v1/events?type=%00", await boon.OperatorToken())).Problem.ShouldBe("invalid-request");
        });
    }

    [Fact]
    public async Task Bad_queries_paths_and_headers_are_4xx()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        foreach (var path in (string[])["/v1/campaigns", "/v1/events", "/v1/vouchers"])
            foreach (var query in (string[])[
                "limit=0", "limit=201", "limit=x", "limit=99999999999999", "limit=-1", "limit=1e1", "cursor=!", "cursor=AAAA",
                "cursor=%00", "cursor=" + new string('A', 5000), "limit="])
            {
                var answer = await boon.Api.Get($"{path}?{query}", token);
                answer.Code.ShouldBe(400, $"{path}?{query}: {answer.Text}");
                answer.Problem.ShouldBeOneOf("validation-failed", "invalid-request");
            }
        foreach (var benefit in (string[])[
            """{"kind":"percent","value":200}""", """{"kind":"fixed","value":9223372036854775807,"currency":"USD"}""",
            """{"kind":null,"value":1}""", """{"value":1}""", """{"kind":"percent"}""",
            """{"kind":"percent","value":1,"products":[null]}"""])
        {
            var answer = await boon.Api.Raw(
                HttpMethod.Post, "/v1/campaigns",
                $$"""{"name":"c","trigger":"external.a.b","limit":1,"benefit":{{benefit}},"voucherValidFor":"P1D"}""", token);
            (answer.Code, answer.Problem is "validation-failed" or "invalid-json").ShouldBe((400, true), benefit + answer.Text);
        }
        foreach (var path in (string[])[
            "/v1/users/x", "/v1/campaigns/x", "/v1/campaigns/x/decisions", "/v1/nothing", "/v1/vouchers?userId=x",
            $"/v1/campaigns/{Guid.Empty}"])
            (await boon.Api.Get(path, token)).Problem.ShouldBe("not-found", path);
        (await boon.Api.Delete("/v1/redemptions/x", token)).Code.ShouldBe(404);
        (await boon.Api.Delete("/v1/campaigns", token)).Problem.ShouldBe("method-not-allowed");
        (await boon.Api.Raw(HttpMethod.Post, "/v1/sessions", "identifier=a"u8.ToArray(),
            "application/x-www-form-urlencoded")).Problem.ShouldBe("unsupported-media-type");
        (await boon.Api.Get("/v1/events?userId=x", token)).Problem.ShouldBe("validation-failed");
    }

    [Fact]
    public async Task Each_field_of_a_registration_says_what_is_wrong_with_it()
    {
        await using var boon = await TestBoon.StartAsync();
        async Task Wrong(string field, string value)
        {
            var body = new Dictionary<string, string>
                { ["username"] = "fine", ["email"] = "fine@example.com", ["phone"] = "+15550000002", ["password"] = "a long enough phrase",
                ["fullName"] = "Fine" };
            body[field] = value;
            var answer = await boon.Api.Post("/v1/users", body);
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), $"{field} = {value}: {answer.Text}");
            answer.Errors.ShouldContainKey(field, $"{field} = {value}: {answer.Text}");
        }
        foreach (var username in (string[])["a@b", "+31", "has space", "", new string('u', 65), "tab\tbed", "＠fullwidth"])
            await Wrong("username", username);
        foreach (var email in (string[])[
            "plain", "@example.com", "a@", "a@b", "a@@example.com", "a b@example.com", ".a@example.com", "a..b@example.com",
            "a@example..com", "a@-example.com", new string('a', 250) + "@example.com"])
            await Wrong("email", email);
        foreach (var phone in (string[])[
            "0612345678", "+0123456789", "+1 555 010 0000", "+1555", "+1234567890123456", "++15550000002", "+1555000000a"])
            await Wrong("phone", phone);
        foreach (var password in (string[])[
            "short", "elevenchars", new string('p', 129), "passwordpassword", "PasswordPassword", "qwertyuiop123", "fine@example.com"])
            await Wrong("password", password);
        foreach (var birthday in (string[])["1899-12-31", "2999-01-01"])
            await Wrong("birthday", birthday);
    }
}
