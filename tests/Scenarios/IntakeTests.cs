using System.Text;
using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Events from other systems over HTTP, with an operator's token and with API keys.</summary>
public sealed class IntakeTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static object Event(string id, string type, string? userid = null, string source = "/shop", object? data = null) =>
        new { specversion = "1.0", id = $"{type}-{id}", source, type, userid, data };

    private async Task<Answer> Report(object body, string token, string contentType = "application/cloudevents+json") =>
        await boon.Api.Raw(HttpMethod.Post, "/v1/events", JsonSerializer.SerializeToUtf8Bytes(body), contentType, token);

    private Task<Answer> ReportBatch(IEnumerable<object> events, string token) =>
        Report(events, token, "application/cloudevents-batch+json");

    private async Task<(Guid Id, string Key)> NewKey()
    {
        var answer = await boon.Api.Post("/v1/api-keys", new { name = "the shop" }, await boon.OperatorToken());
        answer.Code.ShouldBe(201, answer.Text);
        return (answer.Id, answer["key"].GetString()!);
    }

    private static string NewType() => "test." + Guid.CreateVersion7().ToString("N");

    [Fact]
    public async Task A_reported_event_is_logged_as_external_and_triggers_campaigns_and_quests()
    {
        var (_, key) = await NewKey();
        var type = NewType();
        var campaign = await boon.CreateCampaign(new { trigger = $"external.{type}", when = new { first = true }, limit = 1 });
        await boon.CreateQuest(
            new { trigger = $"external.{type}.v1", streak = 2, duplication = 1, autoClaim = true, rewardId = await boon.CreateReward(
                "gold", 7) });
        var user = Guid.CreateVersion7();
        (await Report(Event("1", $"{type}.v1", user.ToString(), data: new { first = true }), key)).Text.ShouldBe(
            """{"accepted":1,"duplicates":0}""");
        (await Report(Event("2", $"{type}.v1", user.ToString()), await boon.OperatorToken(), "application/json")).Code.ShouldBe(202);
        (await boon.Decisions(campaign, 1)).ShouldHaveSingleItem().UserId.ShouldBe(user);
        await Eventually.Holds(
            "7 gold", async () => (await boon.Api.Get("/v1/wallet", boon.TokenOf(user))).As<WalletBalances>().Balances.Gold == 7);
        var logged = await boon.Api.All<Event>($"/v1/events?type=external.{type}", await boon.OperatorToken());
        logged.Count.ShouldBe(2);
        logged[1].Type.ShouldBe($"external.{type}.v1");
        logged[1].Source.ShouldBe("/intake");
        logged[1].Subject.ShouldBe($"external//shop#{type}.v1-1");
        logged[1].Data.GetRawText().ShouldBe("""{"first":true}""");
    }

    [Fact]
    public async Task Users_are_named_by_a_UUID_or_by_any_text_in_userid_or_data()
    {
        var token = await boon.OperatorToken();
        var type = NewType();
        var user = Guid.CreateVersion7();
        var reported = await ReportBatch([
            Event("1", type, user.ToString().ToUpperInvariant()), Event("2", type, "auth0|123"),
            Event("3", type, data: new { userId = "auth0|123" }), Event("4", type, source: "/other", userid: "auth0|123"),
            Event("5", type, data: new { userId = 42 }), Event("6", type, "42"), Event("7", type, data: new[] { 1 }),
            Event("8", type, "a", data: new { userId = "b" })], token);
        reported["accepted"].GetInt32().ShouldBe(8, reported.Text);
        var users = (await boon.Api.All<Event>($"/v1/events?type=external.{type}", token)).OrderBy(e => e.Sequence).Select(e => e.UserId)
            .ToList();
        // As Python's uuid.uuid5(uuid.UUID("30efdf12-7390-4d32-91ae-191ce9026a44"), "auth0|123") computes it.
        var auth0 = new Guid("a5baab10-9c17-5c03-8f4c-ea691f4a2064");
        users.Take(4).ShouldBe([user, auth0, auth0, auth0]);
        users[4].ShouldBe(users[5]);
        users[6].ShouldBeNull();
        users[7].ShouldBe((await LoggedUser("a")));

        async Task<Guid?> LoggedUser(string text)
        {
            var one = NewType();
            (await Report(Event("1", one, text), token)).Code.ShouldBe(202);
            return (await boon.Api.Get($"/v1/events?type=external.{one}", token)).Page<Event>()[0].UserId;
        }
    }

    [Fact]
    public async Task An_event_counts_once_by_source_and_id_in_a_batch_over_batches_and_in_parallel()
    {
        var token = await boon.OperatorToken();
        var type = NewType();
        var batch = Enumerable.Range(0, 300).Select(i => Event($"{i % 250}", type, Guid.CreateVersion7().ToString())).ToList();
        var first = await ReportBatch(batch, token);
        (first["accepted"].GetInt32(), first["duplicates"].GetInt32()).ShouldBe((250, 50));
        var again = await Task.WhenAll(
            Enumerable.Range(0, 4)
            .Select(i => ReportBatch(i % 2 == 0 ? batch : Enumerable.Reverse(batch).Append(Event("new", type)), token)));
        again.Sum(answer => answer["accepted"].GetInt32()).ShouldBe(1);
        (await Report(Event("0", type, source: "/elsewhere"), token))["accepted"].GetInt32().ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from intake.event_log where type = $1", "external." + type)).ShouldBe(252);
    }

    [Fact]
    public async Task Time_is_when_it_happened_and_the_trace_goes_on()
    {
        var token = await boon.OperatorToken();
        var type = NewType();
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        (await ReportBatch([new
            { specversion = "1.0", id = type, source = "/s", type, time = "2026-01-02T03:04:05+02:00", traceparent = trace, anything = 1 },
            Event("2", type)], token)).Code.ShouldBe(202);
        var events = (await boon.Api.All<Event>($"/v1/events?type=external.{type}", token)).OrderBy(e => e.Sequence).ToList();
        events[0].Time.ShouldBe("2026-01-02T01:04:05Z");
        events[0].TraceParent.ShouldBe(trace);
        DateTimeOffset.Parse(events[1].Time, null).ShouldBe(events[1].RecordedTime, TimeSpan.FromMinutes(1));
    }

    [Theory]
    [InlineData(13)]
    [InlineData(60)]
    public async Task Deep_data_is_logged_and_shown_as_it_is(int depth)
    {
        var token = await boon.OperatorToken();
        var type = NewType();
        var data = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1.50" + new string('}', depth);
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", Encoding.UTF8.GetBytes(
            $$"""[{"specversion":"1.0","id":"{{type}}","source":"/s","type":"{{type}}","data":{{data}}}]"""),
            "application/cloudevents-batch+json", token)).Code.ShouldBe(202);
        (await boon.Api.Get($"/v1/events?type=external.{type}", token)).Text.ShouldContain($"\"data\":{data}");
        (await boon.Api.Get("/v1/logs/intake", token)).Text.ShouldContain($"\"data\":{data}");
    }

    [Fact]
    public async Task A_key_is_shown_once_reports_events_and_nothing_else_and_is_refused_once_it_is_revoked()
    {
        var token = await boon.OperatorToken();
        var (id, key) = await NewKey();
        key.ShouldStartWith("boon_");
        key.Length.ShouldBe(48);
        (await boon.Api.All("/v1/api-keys", token)).Single(one => one.GetProperty("id").GetGuid() == id).GetRawText().ShouldNotContain(key);
        (await boon.Scalar<bool>("select bool_or(k::text like '%' || $1 || '%') from intake.api_keys k", key))
            .ShouldBeFalse("it is stored hashed");
        (await boon.Scalar<bool>("select bool_or(l.payload::text like '%' || $1 || '%') from intake.event_log l", key)).ShouldBeFalse();
        (await Report(Event("1", NewType(), source: "/key"), key)).Code.ShouldBe(202);
        foreach (var path in (string[])["/v1/events", "/v1/orders", "/v1/api-keys", "/v1/logs/intake", "/v1/users/me"])
            (await boon.Api.Get(path, key)).Problem.ShouldBe("unauthenticated", path);
        (await boon.Api.Post("/v1/orders", new { }, key)).Code.ShouldBe(401);
        (await Report(Event("x", "t.t"), boon.TokenOf(Guid.CreateVersion7()))).Problem.ShouldBe("forbidden");
        (await Report(Event("x", "t.t"), key + "x")).Problem.ShouldBe("unauthenticated");
        (await Report(Event("x", "t.t"), "boon_")).Problem.ShouldBe("unauthenticated");

        (await boon.Api.Delete($"/v1/api-keys/{id}", boon.TokenOf(Guid.CreateVersion7()))).Code.ShouldBe(403);
        (await boon.Api.Delete($"/v1/api-keys/{id}", key)).Code.ShouldBe(401);
        (await boon.Api.Delete($"/v1/api-keys/{id}", token)).Code.ShouldBe(204);
        (await boon.Api.Delete($"/v1/api-keys/{id}", token)).Code.ShouldBe(204);
        (await boon.Api.Delete($"/v1/api-keys/{Guid.CreateVersion7()}", token)).Code.ShouldBe(404);
        var refused = await Report(Event("y", "t.t"), key);
        (refused.Code, refused.Problem).ShouldBe((401, "unauthenticated"));
        (await boon.Api.All("/v1/api-keys", token)).Single(one => one.GetProperty("id").GetGuid() == id).TryGetProperty("revokedAt", out _)
            .ShouldBeTrue();
        (await boon.Api.All<Event>("/v1/events?module=intake&type=intake.api-key-revoked", token)).Count(e => e["apiKeyId"].GetGuid() == id)
            .ShouldBe(1);
        (await boon.Api.Post("/v1/api-keys", new { name = "" }, token)).Problem.ShouldBe("validation-failed");
    }

    [Fact]
    public async Task Bad_events_are_refused_all_together_with_the_member_that_is_wrong()
    {
        var token = await boon.OperatorToken();
        async Task Wrong(string json, string field, string contentType = "application/cloudevents+json")
        {
            var answer = await boon.Api.Raw(HttpMethod.Post, "/v1/events", Encoding.UTF8.GetBytes(json), contentType, token);
            (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), json + answer.Text);
            answer.Errors.ShouldContainKey(field, $"{json} {answer.Text}");
        }
        const string good = "\"specversion\":\"1.0\",\"id\":\"bad\",\"source\":\"/s\",\"type\":\"t.t\"";
        await Wrong("{}", "specversion");
        await Wrong("{}", "id");
        await Wrong("[]", "event");
        await Wrong("{" + good.Replace("1.0", "0.3", StringComparison.Ordinal) + "}", "specversion");
        await Wrong("{" + good.Replace("\"bad\"", "\"\"", StringComparison.Ordinal) + "}", "id");
        await Wrong("{" + good.Replace("\"bad\"", "[]", StringComparison.Ordinal) + "}", "id");
        await Wrong("{" + good.Replace("/s", new string('s', 301), StringComparison.Ordinal) + "}", "source");
        foreach (var type in (string[])["", "no spaces", ".t", "t..t", new string('t', 200), "t/t", "é"])
            await Wrong("{" + good.Replace("t.t", type, StringComparison.Ordinal) + "}", "type");
        await Wrong("{" + good + ",\"time\":\"yesterday\"}", "time");
        await Wrong("{" + good + ",\"time\":\"2026-01-01T00:00:00\"}", "time");
        await Wrong("{" + good + ",\"userid\":\" \"}", "userid");
        await Wrong("{" + good + ",\"userid\":{}}", "userid");
        await Wrong("{" + good + ",\"data\":{\"userId\":[]}}", "data.userId");
        await Wrong("{" + good + ",\"userId\":\"x\"}", "userId");
        await Wrong("{" + good + string.Concat(Enumerable.Range(0, 100).Select(i => $",\"A{i}\":1")) + "}", "event");
        await Wrong("{" + good + ",\"data_base64\":\"eA==\"}", "data_base64");
        await Wrong("{" + good + ",\"datacontenttype\":\"text/xml\"}", "datacontenttype");
        await Wrong("{" + good + ",\"data\":{\"a\":\"\\u0000\"}}", "data");
        await Wrong("{" + good + ",\"data\":[\"\\ud800\"]}", "data");
        await Wrong("{" + good + ",\"data\":\"" + new string('d', 66_000) + "\"}", "data");
        await Wrong("[{" + good + "},{" + good.Replace("\"t.t\"", "null", StringComparison.Ordinal) + "}]", "[1].type",
            "application/cloudevents-batch+json");
        await Wrong("[{" + good + "},7]", "[1]", "application/cloudevents-batch+json");
        await Wrong("{" + good + "}", "events", "application/cloudevents-batch+json");
        var many = await ReportBatch(Enumerable.Range(0, 1_001).Select(i => Event($"m{i}", "t.t")), token);
        (many.Code, many.Problem).ShouldBe((413, "too-many-events"));
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", "x"u8.ToArray(), "text/plain", token)).Problem
            .ShouldBe("unsupported-media-type");
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", new byte[9 * 1024 * 1024], "application/cloudevents+json",
            token)).Problem.ShouldBe("body-too-large");
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", "{\"id\":\"a\",\"id\":\"b\"}"u8.ToArray(), "application/cloudevents+json",
            token)).Problem.ShouldBe("invalid-json");
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", "{\"data\":{\"\\ud800\":1}}"u8.ToArray(), "application/cloudevents+json",
            token)).Problem.ShouldBe("invalid-json");
        (await boon.Api.Raw(HttpMethod.Post, "/v1/events", "{"u8.ToArray(), "application/cloudevents+json", token)).Problem
            .ShouldBe("invalid-json");
        (await ReportBatch([], token)).Text.ShouldBe("""{"accepted":0,"duplicates":0}""");
        (await boon.Scalar<long>("select count(*) from intake.event_log where type = 'external.t.t'")).ShouldBe(0);
    }
}
