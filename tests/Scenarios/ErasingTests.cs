using System.Text.Json;
using Boon.Intake;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Platform.Units;
using Boon.Quests;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>What is left of what other systems reported about a user, once the user has erased the account: nothing but ids.</summary>
[Collection("Defences")]
public sealed class ErasingTests
{
    private const string Personal = "Elm Street 7";

    [Fact]
    public async Task Reported_data_of_a_user_who_erases_the_account_is_gone_and_what_it_gave_stays()
    {
        await using var boon = await TestBoon.StartAsync();
        var quest = await boon.CreateQuest(new { trigger = "external.shop.visit", when = new { home = Personal }, streak = 1 });
        var other = Guid.CreateVersion7();
        var (user, username, password) = await boon.Register();
        await Report(boon, user, "1");
        await Report(boon, other, "2");
        await boon.CaughtUp();
        (await boon.Api.Erase(await boon.Api.SignIn(username, password), password)).Code.ShouldBe(204);
        await boon.CaughtUp();
        await Report(boon, user, "3");
        await boon.CaughtUp();
        (await boon.Scalar<string[]>("select array_agg(payload::text order by position) from intake.event_log where userid = $1 "
            + "and type = 'external.shop.visit'", user)).ShouldBe([ReportedData.Nothing, ReportedData.Nothing]);
        (await boon.Scalar<long>("select count(*) from intake.event_log where payload::text like $1", $"%{Personal}%"))
            .ShouldBe(1, "that of somebody else");
        (await boon.Scalar<long>("select count(*) from intake.event_log where type = 'intake.reports-erased.v1' and userid = $1", user))
            .ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from quests.completions where quest_id = $1 and user_id = $2", quest, user))
            .ShouldBe(1, "what is reported later has no home any more");
        (await boon.Replay("quests", checkOnly: true)).Equal.ShouldBeTrue();
    }

    [Theory]
    [Defended(nameof(IntakeDefences.ErasedFirst))]
    public Task A_report_that_is_on_its_way_while_the_account_is_erased_is_erased_too(DefendedRun run) => Defended.Show(run, async boon =>
    {
        var (user, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        Task<Answer> report;
        await using (await OpenTransaction.BeginAsync(boon, "insert into intake.received (source, id) values ('/shop', '1')"))
        {
            report = Report(boon, user, "1");
            await boon.WaitsForLock("insert into intake.received");
            (await boon.Api.Erase(token, password)).Code.ShouldBe(204);
            await Eventually.Holds("the erasing to begin", () => boon.Scalar<bool>("""
                select exists (select from intake.erased_users where user_id = $1)
                    or exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like 'lock table intake.erased_users%')
                """, user));
        }
        (await report).Code.ShouldBe(202);
        await boon.CaughtUp();
        (await boon.Scalar<string>("select payload::text from intake.event_log where userid = $1 and type = 'external.shop.visit'", user))
            .ShouldBe(ReportedData.Nothing);
    });

    [Fact]
    public async Task A_dead_letter_of_a_reported_event_quotes_nothing_of_it()
    {
        await using var boon = await TestBoon.StartAsync();
        var e = new LoggedEvent(
            "intake", 1, Guid.CreateVersion7(), "external.shop.visit.v1", "external", "1", null, "{}"u8.ToArray(), DateTime.UnixEpoch,
            DateTime.UnixEpoch, null, null, null);
        await using (var scope = boon.Services.CreateAsyncScope())
        await using (var unit = scope.ServiceProvider.GetRequiredService<Unit<QuestsDb>>())
        {
            await unit.BeginAsync(CancellationToken.None);
            await DeadLetters.ParkAsync(
                unit, "quests.test", e, new InvalidOperationException(Personal, new FormatException(Personal)), 3, CancellationToken.None);
            await unit.CommitAsync(CancellationToken.None);
        }
        (await boon.Scalar<string>("select error from quests.dead_letters"))
            .ShouldBe("InvalidOperationException <- FormatException: the process's log has the words");
    }

    private static async Task<Answer> Report(TestBoon boon, Guid user, string id)
    {
        var e = new
        {
            specversion = "1.0", id, source = "/shop", type = "shop.visit", userid = user.ToString(), data = new { home = Personal },
        };
        var answer = await boon.Api.Raw(
            HttpMethod.Post, "/v1/events", JsonSerializer.SerializeToUtf8Bytes(e), "application/cloudevents+json",
            await boon.OperatorToken());
        answer.Code.ShouldBe(202, answer.Text);
        return answer;
    }
}
