using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Rebuilding progress from the event store while the host serves.</summary>
public sealed class QuestReplayTests
{
    [Fact]
    public async Task A_replay_while_events_flow_and_rules_change_finds_the_live_state_equal()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Subscriptions:quests.track-progress:Lanes", "2"));
        var quest = await boon.CreateQuest(new { trigger = "test.replay", streak = 2, duplication = 3, autoClaim = true });
        var users = (await boon.SeedMembers(20)).ConvertAll(member => member.Id);
        using var stop = new CancellationTokenSource();
        async Task FlowAsync()
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await boon.Append("test.replay.v1", users[i % users.Count], "{}");
        }
        var flowing = FlowAsync();
        for (var i = 0; i < 5; i++)
        {
            var before = await boon.Scalar<long>("select count(*) from quests.received");
            await Eventually.Holds(
                "more events", async () => await boon.Scalar<long>("select count(*) from quests.received") > before + 20);
            var report = await boon.Replay("quests", checkOnly: false);
            (report.Equal, report.Mended).ShouldBe((true, 0L), string.Join("; ", report.Parts));
            report.Events.ShouldBeGreaterThan(before);
            (await boon.Api.Patch(
                $"/v1/quests/{quest}", new { streak = (i % 3) + 1, duplication = 3 + i }, await boon.OperatorToken())).Code.ShouldBe(200);
        }
        await stop.CancelAsync();
        await flowing;
    }

    [Fact]
    public async Task A_damaged_state_is_found_and_put_right_while_serving_and_nothing_is_given_twice()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.CreateQuest(new { trigger = "test.damage", streak = 2, duplication = 9, autoClaim = true });
        var manual = await boon.CreateQuest(new { trigger = "test.damage", streak = 3, duplication = 9 });
        var members = await boon.SeedMembers(10);
        for (var i = 0; i < 7; i++)
            foreach (var member in members)
                await boon.Append("test.damage.v1", member.Id, "{}");
        await boon.CaughtUp();
        foreach (var member in members.Take(5))
            (await boon.Api.Post($"/v1/quests/{manual}/claims", null, member.Token)).Code.ShouldBe(201);
        await boon.CaughtUp();
        var damaged = members.ConvertAll(member => member.Id).ToArray();
        const string whole = """
            select concat((select string_agg(p::text, ';' order by quest_id, user_id) from quests.progress p where user_id = any ($1)),
                (select string_agg(concat_ws(',', quest_id, user_id, number, version, source, sequence, completed_at, reward_id,
                    claimed_at is null, granted_at is null), ';' order by quest_id, user_id, number)
                 from quests.completions where user_id = any ($1)))
            """;
        var before = await boon.Scalar<string>(whole, damaged);
        const string credited = "select sum(amount) from wallet.ledger_entries where user_id = any ($1)";
        var diamonds = await boon.Scalar<decimal>(credited, damaged);

        await boon.Execute("update quests.progress set streak = streak + 1 where user_id = $1", members[0].Id);
        await boon.Execute("delete from quests.progress where user_id = $1", members[1].Id);
        await boon.Execute("insert into quests.progress (quest_id, user_id, streak, completions, received) values ($1, $2, 1, 0, 1)",
            manual, Guid.CreateVersion7());
        await boon.Execute("delete from quests.completions where user_id = any ($1)", new[] { members[2].Id, members[8].Id });
        await boon.Execute("update quests.completions set sequence = sequence + 1 where user_id = $1", members[3].Id);
        await boon.Execute("update quests.completions set claimed_at = null, granted_at = null where user_id = $1 and quest_id = $2 and "
            + "number = 1", members[4].Id, manual);
        await boon.Execute("insert into quests.completions (quest_id, user_id, number, version, source, sequence, completed_at, reward_id) "
            + "select quest_id, user_id, 99, version, source, sequence, completed_at, reward_id from quests.completions limit 1");

        // Others sign in and claim meanwhile.
        var flow = await boon.CreateQuest(new { trigger = "test.others", streak = 1, duplication = 100_000 });
        var others = await boon.SeedMembers(5);
        using var stop = new CancellationTokenSource();
        var claims = 0;
        async Task FlowAsync()
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var (user, token) = others[i % others.Count];
                await boon.Append("test.others.v1", user, "{}");
                claims += (await boon.Api.Post($"/v1/quests/{flow}/claims", null, token)).Code == 201 ? 1 : 0;
            }
        }
        var flowing = FlowAsync();
        var check = await boon.Replay("quests", checkOnly: true);
        check.Parts.ShouldAllBe(part => !part.Equal);
        (check.Mended, check.Proof).ShouldBe((0L, null));
        var report = await boon.Replay("quests", checkOnly: false);
        (report.Equal, report.Mended)
            .ShouldBe((false, 2L + 2 + 1 + 10 + 5 + 1 + 1),
            "2 changed, 2 missing, 1 foreign row of progress; 10 missing, 5 changed, 1 unclaimed, 1 foreign completions");
        report.Proof.ShouldNotBeNull().ShouldAllBe(part => part.Equal);
        await Eventually.Holds("what was granted to be known again", async () => await boon.Scalar<string>(whole, damaged) == before);
        await stop.CancelAsync();
        await flowing;
        (await boon.Replay("quests", checkOnly: true)).Equal.ShouldBeTrue();
        await boon.CaughtUp();
        (await boon.Scalar<decimal>(credited, damaged)).ShouldBe(diamonds);
        (await boon.Scalar<long>("select count(*) from wallet.ledger_entries where quest_id = $1", flow)).ShouldBe(claims);
        (await boon.Scalar<long>(
            "select count(*) from quests.completions where quest_id = $1 and claimed_at is not null and granted_at is null", flow))
            .ShouldBe(0);
    }
}
