using System.Text.Json;
using Boon.Contracts;
using Boon.Platform.Input;
using Boon.Platform.Rules;
using Boon.Promotions.Campaigns;
using Boon.Promotions.Codes;
using FsCheck;
using FsCheck.Fluent;

namespace Boon.Unit.Promotions;

public sealed class CampaignRulesTests
{
    private static readonly DateTime Now = new(2030, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void Whatever_the_users_do_issued_is_the_least_of_the_limit_and_the_eligible_and_ranks_are_dense()
    {
        var property = Prop.ForAll(
            ArbMap.Default.ArbFor<(byte Limit, byte PerUser, byte[] Users)>(),
            input =>
            {
                var (limit, perUser) = ((input.Limit % 20) + 1, (input.PerUser % 3) + 1);
                long issued = 0, ranked = 0;
                var held = new Dictionary<byte, long>();
                foreach (var user in input.Users ?? [])
                {
                    var decision = CampaignRules.Decide(
                        new(Paused: false, null, limit, perUser, issued, ranked, held.GetValueOrDefault(user), Now));
                    decision.Issued.ShouldBe(held.GetValueOrDefault(user) < perUser && issued < limit);
                    if (decision.Rank is { } rank)
                        rank.ShouldBe(++ranked);
                    if (decision.Issued)
                    {
                        issued++;
                        held[user] = held.GetValueOrDefault(user) + 1;
                    }
                    (decision.Reason is null).ShouldBe(decision.Issued);
                }
                issued.ShouldBeLessThanOrEqualTo(limit);
                held.Values.ShouldAllBe(count => count <= perUser);
                issued.ShouldBe(Math.Min(limit, (input.Users ?? []).GroupBy(user => user).Sum(group => Math.Min(perUser, group.Count()))));
            });
        Check.QuickThrowOnFailure(property);
    }

    [Theory]
    [InlineData(true, null, "paused")]
    [InlineData(false, 1, "not-started")]
    [InlineData(false, 0, null)]
    [InlineData(true, 1, "paused")]
    public void State_and_start_decide_first(bool paused, int? startsInHours, string? reason)
    {
        var decision = CampaignRules.Decide(new(paused, startsInHours is { } hours ? Now.AddHours(hours) : null, 10, 1, 0, 0, 0, Now));
        decision.Reason.ShouldBe(reason);
        decision.Rank.ShouldBe(reason is null ? 1 : null);
    }

    [Theory]
    [InlineData(100, 99, 50_000, false)]
    [InlineData(100, 100, 10_099, false)]
    [InlineData(100, 100, 10_100, true)]
    public void A_campaign_is_silent_once_it_has_told_ten_thousand_that_it_is_exhausted(
        long limit, long issued, long ranked, bool silent) =>
        CampaignRules.IsSilent(limit, issued, ranked).ShouldBe(silent);

    [Theory]
    [InlineData("""{"first":true}""", """{"first":true,"number":1}""", true)]
    [InlineData("""{"first":true}""", """{"first":"true"}""", false)]
    [InlineData("""{"n":1}""", """{"n":1.0}""", true)]
    [InlineData("""{"n":null}""", """{"n":null}""", true)]
    [InlineData("""{"n":null}""", """{}""", false)]
    [InlineData("""{"a":"x","b":"y"}""", """{"a":"x"}""", false)]
    [InlineData("""{"a":"x"}""", """[]""", false)]
    public void When_matches_members_by_type_and_value(string when, string data, bool matches) =>
        EventTriggers.Matches(JsonSerializer.Deserialize<JsonElement>(when), JsonSerializer.Deserialize<JsonElement>(data))
            .ShouldBe(matches);

    [Theory]
    [InlineData("P30D", true)]
    [InlineData("PT12H", true)]
    [InlineData("P1Y", true)]
    [InlineData("P1M2DT3H4M5S", true)]
    [InlineData("P2W", true)]
    [InlineData("P", false)]
    [InlineData("PT", false)]
    [InlineData("P1DT", false)]
    [InlineData("30D", false)]
    [InlineData("P0D", false)]
    [InlineData("P11Y", false)]
    [InlineData("P99999D", false)]
    [InlineData("-P1D", false)]
    [InlineData("P1.5D", false)]
    [InlineData("p30d", false)]
    public void Durations(string text, bool valid)
    {
        var validation = new Validation();
        CampaignRules.Duration(validation, text, "voucherValidFor");
        validation.Ok.ShouldBe(valid);
    }

    [Theory]
    [InlineData("percent", 30, null, null, null, true)]
    [InlineData("percent", 0, null, null, null, false)]
    [InlineData("percent", 101, null, null, null, false)]
    [InlineData("percent", 10, null, 500L, null, false)]
    [InlineData("percent", 10, "USD", 500L, 100L, true)]
    [InlineData("fixed", 500, "USD", null, null, true)]
    [InlineData("fixed", 500, null, null, null, false)]
    [InlineData("fixed", 500, "usd", null, null, false)]
    [InlineData("fixed", 500, "USD", 100L, null, false)]
    [InlineData("free", 1, null, null, null, false)]
    public void A_benefit_is_checked(string kind, long value, string? currency, long? maxDiscount, long? minSpend, bool valid)
    {
        var validation = new Validation();
        Benefits.Check(validation, new Benefit(kind, value, currency, maxDiscount, minSpend), "benefit");
        validation.Ok.ShouldBe(valid, string.Join("; ", validation.Errors.Select(error => error.Key)));
    }
}
