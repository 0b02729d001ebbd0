using Boon.Platform.Data;
using Boon.Promotions.Campaigns;
using Boon.Promotions.Migrations;
using Boon.Quests.Migrations;
using Boon.Quests.Progress;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Campaign = Boon.Support.Campaign;

namespace Boon.Scenarios;

/// <summary>What is shown as a count is kept as a total: right at every moment, and never counted for a request.</summary>
public sealed class TotalsTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private Task FoldUses() => Fold(boon.Services.GetRequiredService<CampaignUses>(), "promotions.use_changes");

    private Task FoldSteps() => Fold(boon.Services.GetRequiredService<StepTotals>(), "quests.step_changes");

    /// <summary>
    /// Until nothing is left: what the service itself adds at this moment is passed over by anybody else, and is gone only once that is
    /// committed.
    /// </summary>
    private Task Fold(Totals totals, string changes) => Eventually.Holds("no changes to add", async () =>
    {
        await totals.FoldAsync(CancellationToken.None);
        return !await boon.Scalar<bool>($"select exists (select from {changes})");
    });

    private async Task<long> Redeemed(Guid campaign) =>
        (await boon.Api.Get($"/v1/campaigns/{campaign}", await boon.OperatorToken()))["redeemed"].GetInt64();

    [Fact]
    public async Task Redeemed_is_a_total_that_follows_every_use_given_and_taken_back()
    {
        var token = await boon.OperatorToken();
        var trigger = "test.t" + Guid.CreateVersion7().ToString("N");
        var campaign = await boon.CreateCampaign(new { trigger, maxUses = 3 });
        var members = await boon.SeedMembers(4);
        await boon.AppendMany(trigger + ".v1", [.. members.Select(member => member.Id)]);
        await boon.CaughtUp();
        var redemptions = new List<Guid>();
        foreach (var member in members)
        {
            var code = (await boon.Api.All<Voucher>("/v1/vouchers", member.Token))[0].Code;
            for (var use = 0; use < 2; use++)
                redemptions.Add((await boon.Api.Post("/v1/redemptions", new { code, amount = 1_000, currency = "USD" }, member.Token)).Id);
            await FoldUses();
        }
        (await Redeemed(campaign)).ShouldBe(8);
        foreach (var redemption in redemptions.Take(3))
            (await boon.Api.Delete($"/v1/redemptions/{redemption}", token)).Code.ShouldBe(204);
        (await Redeemed(campaign)).ShouldBe(5);
        await FoldUses();
        (await Redeemed(campaign)).ShouldBe(5);
        (await boon.Scalar<long>("select count(*) from promotions.use_changes where campaign_id = $1", campaign))
            .ShouldBe(0, "all were added");
        (await boon.Api.All<Campaign>("/v1/campaigns", token)).Single(view => view.Id == campaign).Redeemed.ShouldBe(5);

        // Uses that were there before they were recorded are counted once, however often that is done.
        await boon.Execute("delete from promotions.campaign_uses where campaign_id = $1", campaign);
        await boon.Execute(CountCampaignUses.Count);
        await boon.Execute(CountCampaignUses.Count);
        (await Redeemed(campaign)).ShouldBe(5);

        // Nobody counts vouchers for an answer: what is shown is the total.
        await FoldUses();
        await boon.Execute("update promotions.campaign_uses set uses = uses + 1000000 where campaign_id = $1", campaign);
        (await boon.Api.Patch($"/v1/campaigns/{campaign}", new { state = "paused" }, token))["redeemed"].GetInt64().ShouldBe(1_000_005);
    }

    [Fact]
    public async Task Steps_are_totals_that_follow_every_move_and_come_in_pages()
    {
        var token = await boon.OperatorToken();
        var trigger = "test.t" + Guid.CreateVersion7().ToString("N");
        var quest = await boon.CreateQuest(new { trigger, streak = 3, duplication = 2 });
        var users = Enumerable.Range(0, 21).Select(_ => Guid.CreateVersion7()).ToArray();
        // The first user has one event, the second two, and so on: all in between are folded or not, as it comes.
        for (var round = 0; round < 7; round++)
        {
            await boon.AppendMany(trigger + ".v1", users[(round * 3)..]);
            await boon.CaughtUp();
            if (round % 2 == 0)
                await FoldSteps();
        }
        (int, int, long)[] expected = [(0, 1, 3), (0, 2, 3), (1, 0, 3), (1, 1, 3), (1, 2, 3), (2, 0, 6)];
        foreach (var folded in (bool[])[false, true])
        {
            if (folded)
                await FoldSteps();
            foreach (var limit in (int[])[1, 4, 200])
            {
                var steps = new List<(int, int, long)>();
                string? cursor = null;
                do
                {
                    var page = await boon.Api.Get(
                        $"/v1/quests/{quest}/steps?limit={limit}{(cursor is null ? "" : "&cursor=" + cursor)}", token);
                    (page["users"].GetInt64(), page["completions"].GetInt64()).ShouldBe((21, (3 * 3) + (6 * 2)));
                    page["steps"].GetArrayLength().ShouldBeInRange(1, limit);
                    steps.AddRange(page.As<QuestSteps>().Steps.Select(step => (step.Completions, step.Streak, step.Users)));
                    cursor = page["next"].GetString();
                }
                while (cursor is not null);
                steps.ShouldBe(expected);
            }
        }
        (await boon.Scalar<long>("select count(*) from quests.step_changes where quest_id = $1", quest)).ShouldBe(0, "all were added");
        await Eventually.Holds(
            "empty steps to be gone", async () =>
            await boon.Scalar<long>("select count(*) from quests.steps where quest_id = $1", quest) == expected.Length);
        (await boon.Api.Get($"/v1/quests/{quest}/steps?cursor=x", token)).Problem.ShouldBe("validation-failed");

        // A replay that mends moves the totals too, and what was there before changes were recorded is counted once.
        await boon.Execute("update quests.progress set completions = 9 where quest_id = $1 and user_id = $2", quest, users[0]);
        await boon.Execute("delete from quests.progress where quest_id = $1 and user_id = $2", quest, users[1]);
        (await boon.Api.Get($"/v1/quests/{quest}/steps", token))["completions"].GetInt64().ShouldBe(30);
        (await boon.Replay("quests", checkOnly: false)).Mended.ShouldBe(2);
        await FoldSteps();
        await boon.Execute("delete from quests.totals; delete from quests.steps; delete from quests.step_changes");
        await boon.Execute(CountSteps.Count);
        await boon.Execute(CountSteps.Count);
        var view = await boon.Api.Get($"/v1/quests/{quest}/steps", token);
        (view["users"].GetInt64(), view["completions"].GetInt64(), view["steps"].GetArrayLength()).ShouldBe((21, 21, 6));
    }

    [Fact]
    public async Task Events_that_quests_received_come_in_pages_of_one_quest_or_all()
    {
        var trigger = "test.t" + Guid.CreateVersion7().ToString("N");
        var quests = new List<Guid>
            { await boon.CreateQuest(new { trigger, streak = 1, duplication = 9 }), await boon.CreateQuest(
                new { trigger, streak = 1, duplication = 9 }) };
        var (user, token) = (await boon.SeedMembers(1))[0];
        await boon.AppendMany(trigger + ".v1", [user, user, user]);
        await boon.CaughtUp();
        var all = await boon.Api.All<Received>("/v1/quests/events", token, limit: 4);
        all.Select(e => (e.QuestId, e.Completions))
            .ShouldBe([(quests[1], 3), (quests[0], 3), (quests[1], 2), (quests[0], 2), (quests[1], 1), (quests[0], 1)]);
        (await boon.Api.All<Received>($"/v1/quests/events?questId={quests[0]}", token, limit: 2)).Select(e => e.Completions)
            .ShouldBe([3, 2, 1]);
        // A page is read in the order of the index: nothing is sorted.
        var plan = string.Join('\n', await Plan("select position from quests.received where user_id = $1 and position < 9 and (quest_id = "
            + "$1) is true order by position desc limit 51", user));
        plan.ShouldContain("received_user");
        plan.ShouldNotContain("Sort");
    }

    private async Task<List<string>> Plan(string sql, Guid value)
    {
        var database = boon.Services.GetRequiredService<Boon.Platform.Data.ModuleDatabase<Boon.Quests.QuestsDb>>().Database;
        await using var command = database.Source.CreateCommand("explain " + sql);
        command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync();
        var lines = new List<string>();
        while (await reader.ReadAsync())
            lines.Add(reader.GetString(0));
        return lines;
    }
}
