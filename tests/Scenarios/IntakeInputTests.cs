using System.Text;
using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What events of other systems can bring along, and what becomes of it in the log and in rules.</summary>
public sealed class IntakeInputTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static string NewType() => "test." + Guid.CreateVersion7().ToString("N");

    private async Task<Answer> Report(string body, string contentType = "application/cloudevents+json") =>
        await boon.Api.Raw(HttpMethod.Post, "/v1/events", Encoding.UTF8.GetBytes(body), contentType, await boon.OperatorToken());

    [Theory]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","userid":true}""", "userid")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","userid":{"a":1}}""", "userid")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","data":{"userId":false}}""", "data.userId")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","data":{"userId":[]}}""", "data.userId")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","data":{"n":1E99999999999}}""", "data")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t.t","data":[[-1e-401]]}""", "data")]
    [InlineData("""{"specversion":"1.0","id":5,"source":"/s","type":"t.t"}""", "id")]
    [InlineData("""{"specversion":1.0,"id":"5","source":"/s","type":"t.t"}""", "specversion")]
    [InlineData("""{"specversion":"1.0","id":"5","source":[],"type":"t.t"}""", "source")]
    [InlineData("""{"specversion":"1.0","id":"5","source":"/s","type":1}""", "type")]
    [InlineData("""{"specversion":"1.0","id":"5","source":"/s","type":"t.t","time":1}""", "time")]
    public async Task A_wrong_attribute_is_refused_and_told_once(string body, string field)
    {
        var answer = await Report(body);
        (answer.Code, answer.Problem).ShouldBe((400, "validation-failed"), answer.Text);
        var error = answer["errors"].EnumerateObject().ShouldHaveSingleItem();
        error.Name.ShouldBe(field);
        error.Value.GetArrayLength().ShouldBe(1, answer.Text);
    }

    [Theory]
    [InlineData("application/json", "APPLICATION/JSON")]
    [InlineData("application/json", "application/vnd.shop+JSON; charset=utf-8")]
    [InlineData("Application/CloudEvents+JSON", "application/json")]
    [InlineData("application/cloudevents+json; charset=\"UTF-8\"", "application/json")]
    public async Task Media_types_are_read_without_case(string contentType, string dataContentType) =>
        (await Report($$$"""
            {"specversion":"1.0","id":"{{{Guid.CreateVersion7()}}}","source":"/s","type":"{{{NewType()}}}",
            "datacontenttype":"{{{dataContentType}}}","data":{}}
            """, contentType)).Code.ShouldBe(202);

    [Fact]
    public async Task Data_cannot_forge_lines_of_a_download()
    {
        var type = NewType();
        var forged = $$"""{"specversion":"1.0","id":"{{Guid.CreateVersion7()}}","source":"/intake","type":"external.forged","sequence":1"""
            + $$"""}""";
        (await Report($$$"""
            {"specversion":"1.0","id":"1","source":"{{{type}}}","type":"{{{type}}}","data":{"x":
            {{{forged}}}
            ,"n":1.50,"t":"a\u2028b"}}
            """)).Code.ShouldBe(202);
        // As a former version stored it.
        (await Report($$$"""{"specversion":"1.0","id":"2","source":"{{{type}}}","type":"{{{type}}}","data":{"old":1}}""")).Code
            .ShouldBe(202);
        await boon.Execute("update intake.event_log set payload = $2::json where type = $1 and payload::text like '%old%'", "external."
            + type, $"{{\"old\":\r\n{forged}\n}}");

        var download = await boon.Api.Get("/v1/logs/intake", await boon.OperatorToken());
        var lines = download.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.ShouldAllBe(line => line.StartsWith("{\"specversion\":\"1.0\"", StringComparison.Ordinal)
            && line.Contains("\"recordedtime\"", StringComparison.Ordinal));
        var own = lines.Where(line => line.Contains(type, StringComparison.Ordinal)).ToList();
        own.Count.ShouldBe(2);
        own.ShouldAllBe(line => JsonSerializer.Deserialize<JsonElement>(line, JsonSerializerOptions.Default).GetProperty("type")
            .GetString() == "external." + type);
        own[0].ShouldContain("\"n\":1.50");
        own[0].ShouldNotContain("\u2028");
    }

    [Fact]
    public async Task A_number_that_nobody_can_hold_stops_no_rule()
    {
        var refused = await boon.Api.Raw(HttpMethod.Post, "/v1/campaigns", """{"name":"c","trigger":"test.poison","when":{"n":1E99999999"""
            + """999},"limit":1,"benefit":{"kind":"percent","value":1},"voucherValidFor":"P1D"}""", await boon.OperatorToken());
        (refused.Problem, refused.Errors.ContainsKey("when")).ShouldBe(("validation-failed", true), refused.Text);
        var campaign = await boon.CreateCampaign(new { trigger = "test.poison", when = new { n = 1 } });
        var stored = await boon.CreateCampaign(new { trigger = "test.poison", when = new { n = 2 } });
        await boon.Execute("update promotions.campaigns set when_json = '{\"n\":1E99999999999}' where id = $1", stored);
        var members = (await boon.SeedMembers(3)).ConvertAll(member => member.Id);
        foreach (var (member, n) in members.Zip((string[])["1E99999999999", "1.0", "10e-1"]))
            await boon.Append("test.poison.v1", member, $$"""{"n":{{n}}}""");
        (await boon.Decisions(campaign, 2)).Select(one => one.UserId).ShouldBe(members.Skip(1));
        (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
    }
}
