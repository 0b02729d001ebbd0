using Boon.Platform;
using Boon.Platform.Log;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>
/// Identity has a database of its own, and a broker brings its log to the other modules. The test is what a receiver does, and so can hold
/// it back: nothing comes from the broker, which is not there.
/// </summary>
[Collection("Defences")]
public sealed class RuleStartServicesTests
{
    private const string Secret = "the-secret-of-the-services-of-the-tests";
    private const int Before = 1_000;
    private const int After = 20;

    [Theory, Defended(nameof(Defences.SettledAtTheSource))]
    public async Task What_was_answered_before_a_creation_never_counts_however_late_it_comes(DefendedRun run)
    {
        using var off = run.InThisProcess();
        await using var identity = await TestBoon.StartModulesAsync(["identity"], ("Boon:Services:Secret", Secret));
        await using var rules = await StartRulesAsync(identity.Api.Url);
        var token = await identity.OperatorToken();
        await CopyAsync(identity, rules);
        // The clock of Identity's server is five minutes ahead, so times would count all of it.
        await identity.Execute("update identity.log_head set recordedat = clock_timestamp() + interval '5 minutes'");
        await identity.AppendMany("identity.user-signed-in.v1", Before);

        var campaign = await Create(rules, "/v1/campaigns", Campaign, token);
        campaign.Code.ShouldBe(201, campaign.Text);
        var reward = await Create(rules, "/v1/rewards", new { name = "R", item = "gold", quantity = 1 }, token);
        var quest = await Create(rules, "/v1/quests", new { name = "Q", rewardId = reward.Id, trigger = "identity.user-signed-in" }, token);
        quest.Code.ShouldBe(201, quest.Text);
        await identity.AppendMany("identity.user-signed-in.v1", After);
        var head = await CopyAsync(identity, rules);
        await Eventually.Holds("all of it to be read", async () => await rules.Scalar<long>("""
            select min(sequence) from (
                select sequence from promotions.checkpoints where subscription = 'promotions.issue-vouchers' and source = 'identity'
                union all
                select sequence from quests.checkpoints where subscription = 'quests.track-progress' and source = 'identity') c
            """) == head);
        await Guarantee.Show(run.Defended, async () =>
        {
            (await rules.Scalar<long>("select count(*) from promotions.decisions where campaign_id = $1", campaign.Id)).ShouldBe(After);
            (await rules.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest.Id)).ShouldBe(After);
        });
    }

    [Fact]
    public async Task Nothing_is_created_while_a_source_cannot_say_where_its_log_ends()
    {
        await using var identity = await TestBoon.StartModulesAsync(["identity"], ("Boon:Services:Secret", Secret));
        await using var rules = await StartRulesAsync("http://127.0.0.1:1");
        var token = await identity.OperatorToken();
        await CopyAsync(identity, rules);
        var reward = await Create(rules, "/v1/rewards", new { name = "R", item = "gold", quantity = 1 }, token);
        reward.Code.ShouldBe(201, "a reward counts nothing, so nobody is asked");
        foreach (var (path, body) in (IEnumerable<(string, object)>)[
            ("/v1/campaigns", Campaign), ("/v1/quests", new { name = "Q", rewardId = reward.Id, trigger = "identity.user-signed-in" })])
        {
            var refused = await Create(rules, path, body, token);
            (refused.Code, refused.Problem).ShouldBe((503, "source-unreachable"), refused.Text);
            refused.Text.ShouldContain("identity");
            refused.Headers.RetryAfter.ShouldNotBeNull();
        }
        (await rules.Scalar<long>("select (select count(*) from promotions.campaigns) + (select count(*) from quests.quests)")).ShouldBe(0);
        // What waits for the log goes on with what there is.
        var waited = await rules.Api.Send(
            HttpMethod.Get, "/v1/vouchers", null, token, change: request => request.Headers.Add("Prefer", "wait=1"));
        waited.Code.ShouldBe(200);
    }

    [Theory]
    [InlineData("Boon:Services:Secret", "Boon__Services__Secret")]
    [InlineData("Boon:Gateway:Modules:identity", "Boon__Gateway__Modules__Identity")]
    public async Task A_process_that_could_not_ask_does_not_start_and_says_in_one_line_what_to_set(string missing, string named)
    {
        var database = await TestServer.CreateDatabaseAsync();
        try
        {
            var settings = RulesSettings("http://127.0.0.1:1").Where(setting => setting.Key != missing).ToArray();
            var message = (await Should.ThrowAsync<SetupException>(() => TestBoon.StartModulesAsync(Rules, settings))).Message;
            message.ShouldContain(named);
            message.ShouldNotContain("\n");
        }
        finally
        {
            await TestServer.DropDatabaseAsync(database);
        }
    }

    private static readonly string[] Rules = ["promotions", "quests", "wallet", "orders", "intake"];

    private static object Campaign { get; } = new
    {
        name = "C", trigger = "identity.user-signed-in", limit = 1_000_000, benefit = new { kind = "percent", value = 30 },
        voucherValidFor = "P30D",
    };

    private static (string Key, string Value)[] RulesSettings(string identity) =>
    [
        ("ConnectionStrings:Identity", "Host=127.0.0.1;Port=1;Username=nobody;Database=elsewhere"), ("Boon:Services:Secret", Secret),
        ("Boon:Broker:Url", "amqp://nobody:nothing@127.0.0.1:1"), ("Boon:Gateway:Modules:identity", identity),
        ("Boon:Tokens:MaxStaleness", "01:00:00"),
    ];

    private static async Task<TestBoon> StartRulesAsync(string identity)
    {
        var rules = await TestBoon.StartModulesAsync(Rules, RulesSettings(identity));
        foreach (var copy in rules.Services.GetRequiredService<LogPlaces>().Copies)
            rules.Services.GetRequiredService<CopyFreshness>().Note(copy, TimeSpan.Zero);
        return rules;
    }

    private static Task<Answer> Create(TestBoon rules, string path, object body, string token) => rules.Api.Post(path, body, token);

    /// <summary>Brings the copy to the end of the log, and answers that.</summary>
    private static async Task<long> CopyAsync(TestBoon identity, TestBoon rules)
    {
        await using var connection = new NpgsqlConnection(TestServer.ForTest(identity.Database));
        await connection.OpenAsync();
        var place = identity.Services.GetRequiredService<LogPlaces>().OfProcess("identity")!;
        await identity.Services.GetRequiredService<LogBarrier>().SettleAsync("identity", CancellationToken.None);
        var after = await rules.Scalar<long>("select last from copy_identity.log_head");
        var page = await EventReader.ReadAsync(connection, place, after, 10_000, CancellationToken.None);
        await rules.Execute("""
            insert into copy_identity.event_log (position, id, aggregatetype, aggregateid, type, payload, userid, time, recordedat)
            select sequence, id, aggregatetype, aggregateid, type, payload::json, userid, time, recordedat
            from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[],
                $9::timestamptz[]) as e (sequence, id, aggregatetype, aggregateid, type, payload, userid, time, recordedat)
            """, Column(e => e.Sequence), Column(e => e.Id), Column(e => e.AggregateType), Column(e => e.AggregateId), Column(e => e.Type),
            Column(e => System.Text.Encoding.UTF8.GetString(e.Payload)), Column(e => e.UserId), Column(e => e.Time),
            Column(e => e.RecordedAt));
        await rules.Execute("update copy_identity.log_head set last = $1, logid = $2", page.UpTo, page.Mark.LogId!.Value);
        await rules.Execute("select pg_notify('boon_log', 'identity')");
        return page.UpTo;

        T[] Column<T>(Func<LoggedEvent, T> of) => [.. page.Events.Select(of)];
    }
}
