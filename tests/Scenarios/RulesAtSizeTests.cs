using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Campaigns and quests that are many, over, or broken: what they write, and what they leave alone.</summary>
public sealed class RulesAtSizeTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static string Trigger() => "test.t" + Guid.CreateVersion7().ToString("N");

    private Task<long> Decided(Guid campaign) =>
        boon.Scalar<long>("select count(*) from promotions.decisions where campaign_id = $1", campaign);

    private Task<long> Logged(Guid campaign) =>
        boon.Scalar<long>(
            "select count(*) from promotions.event_log where type like 'promotions.voucher-%' and payload ->> 'campaignId' = $1",
            campaign.ToString());

    private async Task Append(string trigger, Guid user, string data = "{}")
    {
        await boon.Append(trigger + ".v1", user, data);
        await boon.CaughtUp();
    }

    private async Task<List<(Guid User, string? Reason, long? Rank)>> Decisions(Guid campaign) =>
        [.. (await boon.Decisions(campaign, 0)).Select(d => (d.UserId, d.Reason, d.Rank))];

    [Fact]
    public async Task A_member_is_told_once_for_each_reason_and_judged_again_when_the_limit_is_raised()
    {
        var trigger = Trigger();
        var campaign = await boon.CreateCampaign(new { trigger, limit = 1, perUser = 1 });
        var (winner, late, later) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var user in (Guid[])[winner, late, late, winner, late, winner, later, late])
            await boon.Append(trigger + ".v1", user, "{}");
        await boon.CaughtUp();
        (await Decisions(campaign))
            .ShouldBe([(winner, null, 1), (late, "budget-exhausted", 2), (winner, "already-issued", null), (later, "budget-exhausted", 3)]);
        (await Logged(campaign)).ShouldBe(4, "an event for each decision, and no other");

        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { limit = 2 }, await boon.OperatorToken())).Code.ShouldBe(200);
        await Append(trigger, late);
        await Append(trigger, later);
        await Append(trigger, winner);
        (await Decisions(campaign)).Skip(4).ShouldBe([(late, null, 4)], "the others know");
        (await Logged(campaign)).ShouldBe(5);
    }

    [Fact]
    public async Task A_campaign_that_has_ended_judges_nothing_and_one_whose_end_is_moved_judges_again()
    {
        var (trigger, token) = (Trigger(), await boon.OperatorToken());
        var ended = await boon.CreateCampaign(new { trigger });
        var over = await boon.CreateCampaign(new { trigger, endsAt = TimeProvider.System.GetUtcNow().AddHours(-1) });
        (await boon.Api.Patch($"/v1/campaigns/{ended}", new { state = "ended" }, token)).Code.ShouldBe(200);
        await Append(trigger, Guid.CreateVersion7());
        (await Decided(ended) + await Decided(over) + await Logged(ended) + await Logged(over)).ShouldBe(0);
        (await boon.Api.Patch($"/v1/campaigns/{over}", new { endsAt = TimeProvider.System.GetUtcNow().AddHours(1) }, token)).Code
            .ShouldBe(200);
        await Append(trigger, Guid.CreateVersion7());
        (await Decided(over)).ShouldBe(1);
    }

    [Fact]
    public async Task A_campaign_that_has_told_ten_thousand_that_it_is_exhausted_is_silent_until_its_limit_is_raised()
    {
        var trigger = Trigger();
        var campaign = await boon.CreateCampaign(new { trigger, limit = 5 });
        await boon.Execute("update promotions.campaigns set issued = 5, ranked = 10004 where id = $1", campaign);
        await Append(trigger, Guid.CreateVersion7());
        await Append(trigger, Guid.CreateVersion7());
        (await Decisions(campaign)).Select(one => one.Rank).ShouldBe([10_005]);
        (await Logged(campaign)).ShouldBe(1);

        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { limit = 6 }, await boon.OperatorToken())).Code.ShouldBe(200);
        await Append(trigger, Guid.CreateVersion7());
        await Append(trigger, Guid.CreateVersion7());
        (await Decisions(campaign)).Select(one => (one.Reason, one.Rank)).ShouldBe([("budget-exhausted", 10_005), (null, 10_006)]);
    }

    [Fact]
    public async Task Rules_are_read_when_they_change_and_not_for_each_batch()
    {
        var trigger = Trigger();
        var campaign = await boon.CreateCampaign(new { trigger, when = new { a = 1 } });
        var quest = await boon.CreateQuest(new { trigger, when = new { a = 1 }, duplication = 10 });
        await Append(trigger, Guid.CreateVersion7(), """{"a":1}""");
        // Behind the database's back nobody reads them again; a change that it counts is seen at once.
        foreach (var (table, id) in ((string, Guid)[])[("promotions.campaigns", campaign), ("quests.quests", quest)])
        {
            await boon.Execute($"alter table {table} disable trigger rule_changed");
            await boon.Execute($$"""update {{table}} set when_json = '{"a":2}' where id = $1""", id);
            await boon.Execute($"alter table {table} enable trigger rule_changed");
        }
        await Append(trigger, Guid.CreateVersion7(), """{"a":1}""");
        (await Decided(campaign)).ShouldBe(2);
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest)).ShouldBe(2);
        await boon.Execute("""update promotions.campaigns set when_json = '{"a":3}' where id = $1""", campaign);
        await boon.Execute("""update quests.quests set when_json = '{"a":3}' where id = $1""", quest);
        await Append(trigger, Guid.CreateVersion7(), """{"a":1}""");
        await Append(trigger, Guid.CreateVersion7(), """{"a":3}""");
        (await Decided(campaign)).ShouldBe(3);
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest)).ShouldBe(3);
    }

    [Fact]
    public async Task A_rule_that_fails_has_no_effect_and_is_told_of_and_the_others_go_on()
    {
        var trigger = Trigger();
        var (broken, good) = (await boon.CreateCampaign(new { trigger }), await boon.CreateCampaign(new { trigger }));
        var (brokenQuest, goodQuest) = (await boon.CreateQuest(new { trigger }), await boon.CreateQuest(new { trigger }));
        await boon.Execute("update promotions.campaigns set when_json = '[1]' where id = $1", broken);
        await boon.Execute("update quests.quests set when_json = '[1]' where id = $1", brokenQuest);
        await Append(trigger, Guid.CreateVersion7());
        (await Decided(broken), await Decided(good)).ShouldBe((0, 1));
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", brokenQuest)).ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", goodQuest)).ShouldBe(1);
        (await boon.Scalar<long>("select (select count(*) from promotions.dead_letters) + (select count(*) from quests.dead_letters)"))
            .ShouldBe(0);
        var metrics = (await boon.Api.Get("/metrics")).Text;
        metrics.ShouldContain("boon_rules_failed_total{module=\"promotions\"}");
        metrics.ShouldContain("boon_rules_failed_total{module=\"quests\"}");
    }

    [Fact]
    public async Task Events_that_mean_more_matches_than_a_transaction_takes_are_decided_in_several()
    {
        var trigger = Trigger();
        var campaigns = new List<Guid>();
        var quests = new List<Guid>();
        for (var i = 0; i < 13; i++)
        {
            campaigns.Add(await boon.CreateCampaign(new { trigger, limit = 300 + i }));
            quests.Add(await boon.CreateQuest(new { trigger, streak = 2, duplication = 1 }));
        }
        // 400 members in one transaction, twice: 5,200 matches, and the same again.
        var users = Enumerable.Range(0, 400).Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var _ in (int[])[1, 2])
            await boon.AppendMany(trigger + ".v1", users);
        await boon.CaughtUp();
        foreach (var (campaign, limit) in campaigns.Zip(Enumerable.Range(300, 13)))
        {
            (await boon.Scalar<long>("select issued from promotions.campaigns where id = $1", campaign)).ShouldBe(limit);
            (await boon.Scalar<long>("select ranked from promotions.campaigns where id = $1", campaign)).ShouldBe(400);
            (await boon.Scalar<long>("select count(*) from promotions.codes where campaign_id = $1", campaign)).ShouldBe(limit);
            (await boon.Scalar<long>(
                "select count(distinct user_id) from promotions.decisions where campaign_id = $1 and rank between 1 and 400", campaign))
                .ShouldBe(400);
            (await Decided(campaign)).ShouldBe(400 + limit, "who has a voucher is told so once, who has none knows");
        }
        // A batch takes events until they mean 5,000 matches, and no more of them: each of these means 13.
        (await boon.Scalar<long>(
            "select max(n) from (select count(*) as n from promotions.event_log where type like 'promotions.voucher-%' group by txid) t"))
            .ShouldBeLessThan(5_000 + 13);
        (await boon.Scalar<long>("select max(n) from (select count(*) as n from quests.event_log where type in "
            + "('quests.quest-progressed.v1', 'quests.quest-completed.v1') group by txid) t")).ShouldBeLessThan(5_000 + 13);
        foreach (var quest in quests)
        {
            (await boon.Scalar<long>("select count(*) from quests.completions where quest_id = $1", quest)).ShouldBe(400);
            (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest)).ShouldBe(800);
        }
    }
}
