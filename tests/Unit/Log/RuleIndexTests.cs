using System.Globalization;
using System.Text;
using System.Text.Json;
using Boon.Platform.Log;
using Boon.Platform.Rules;

namespace Boon.Unit.Log;

public sealed class RuleIndexTests
{
    private sealed record Rule(Guid Id, string Trigger, JsonElement? When, RuleStart Start, DateTime? Until)
        : EventRule(Id, Trigger, When, Start, Until);

    private static readonly DateTime Noon = new(2030, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>Equal and unequal in every way that JSON allows.</summary>
    private static readonly string[] Values =
        ["true", "false", "null", "1", "1.0", "10e-1", "-0", "0", "2", "1e400", "1e401", "\"1\"", "\"a\"", "\"\\u0061\"", "\"\"", "\"A\"",
        "\"\u00e9\"", "\"e\u0301\""];

    private static Rule Of(string trigger, string? when, DateTime? from = null, DateTime? until = null) =>
        new(Guid.CreateVersion7(), trigger, when is null
            ? null : JsonSerializer.Deserialize<JsonElement>(when), new RuleStart(new Dictionary<string, long>(), from ?? Noon), until);

    private static LoggedEvent Event(string type, string data, DateTime? at = null) =>
        new("test", 1, Guid.CreateVersion7(), type, "test", "1", Guid.CreateVersion7(), Encoding.UTF8.GetBytes(data), at ?? Noon, at
            ?? Noon, null, null, null);

    private static RuleIndex<Rule> IndexOf(IEnumerable<Rule> rules, List<Rule>? failed = null) =>
        new(rules, Noon, (rule, _, _) => (failed ?? throw new InvalidOperationException()).Add(rule));

    [Fact]
    public void It_finds_exactly_the_rules_that_match()
    {
        var random = new Random(20301);
        string Value() => Values[random.Next(Values.Length)];
        string When() => "{"
            + string.Join(
                ",", Enumerable.Range(0, random.Next(1, 4)).Select(member => $"\"m{random.Next(3)}{(member == 2 ? "x" : "")}\":{Value()}"))
            + "}";
        string[] triggers = ["test.one", "test.one.v1", "test.one.v2", "test.two"];
        var rules = Enumerable.Range(0, 500)
            .Select(_ =>
            Of(triggers[random.Next(4)], random.Next(5) == 0
            ? null : When(), Noon.AddHours(random.Next(-2, 2)), random.Next(2) == 0 ? null : Noon.AddHours(random.Next(1, 4)))).ToList();
        // A comparison that throws is none that matches.
        var index = IndexOf(rules, []);
        static bool Equal(Rule rule, JsonElement data)
        {
            try
            {
                return EventTriggers.Matches(rule.When, data);
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
        for (var i = 0; i < 2_000; i++)
        {
            var at = Noon.AddHours(random.Next(0, 3));
            var e = Event(triggers[random.Next(4)], random.Next(10) == 0
                ? "[1]" : When().Replace("\"a\"", random.Next(3) == 0 ? "[1]" : "\"\\ud800\"", StringComparison.Ordinal), at);
            using var data = e.Data();
            var matching = rules.Where(rule => (rule.Trigger == e.Type || rule.Trigger == e.Kind)
                && at >= rule.Start.At && !(at >= rule.Until) && Equal(rule, data.RootElement));
            index.Match(e).Select(rule => rule.Id)
                .ShouldBe(matching.Select(rule => rule.Id).Order(), customMessage: Encoding.UTF8.GetString(e.Payload));
        }
    }

    [Fact]
    public void It_holds_until_the_next_rule_ends_and_leaves_out_what_has_ended()
    {
        var (over, soon, open) =
            (Of("test.one", null, until: Noon.AddHours(-1)), Of("test.one", null, until: Noon.AddHours(1)), Of("test.one", null));
        var index = IndexOf([over, soon, open]);
        index.Match(Event("test.one.v3", "{}")).ShouldBe([soon, open], ignoreOrder: true);
        index.Holds(Noon).ShouldBeTrue();
        index.Holds(Noon.AddMinutes(-59)).ShouldBeTrue();
        index.Holds(Noon.AddMinutes(-61)).ShouldBeFalse("an older event can match the rule that was left out");
        index.Holds(Noon.AddHours(1)).ShouldBeFalse("a rule ends here");
        index.Match(Event("test.one", "{}", Noon.AddHours(1))).ShouldBe([open]);
    }

    [Fact]
    public void Data_that_cannot_be_read_stops_the_rules_that_ask_for_it_and_no_other()
    {
        var failed = new List<Rule>();
        var (asks, takesAll) = (Of("test.one", """{"a":1}"""), Of("test.one", null));
        var deep = new StringBuilder().Insert(0, "[", 100).Append(string.Concat(Enumerable.Repeat("]", 100)));
        IndexOf([asks, takesAll], failed).Match(Event("test.one", $$"""{"a":{{deep}}}""")).ShouldBe([takesAll]);
        failed.ShouldBe([asks]);
    }

    [Fact]
    public void An_event_looks_at_the_rules_that_share_its_rarest_condition()
    {
        var rules = Enumerable.Range(0, 1_000)
            .Select(i => Of("test.one", string.Create(CultureInfo.InvariantCulture, $$"""{"first":true,"code":"c{{i}}"}"""))).ToList();
        var index = IndexOf(rules);
        index.Match(Event("test.one", """{"first":true,"code":"c7"}""")).ShouldBe([rules[7]]);
        index.Match(Event("test.one", """{"first":true,"code":"none"}""")).ShouldBeEmpty();
        index.Match(Event("test.one", """{"first":false,"code":"c7"}""")).ShouldBeEmpty();
    }
}
