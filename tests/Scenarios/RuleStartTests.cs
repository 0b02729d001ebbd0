using System.Collections.Concurrent;
using Boon.Platform;
using Boon.Platform.Rules;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>
/// Campaigns and quests count what comes after their creation: by its place in the log, whatever the clocks of the servers say.
/// </summary>
[Collection("Defences")]
public sealed class RuleStartTests
{
    private const int Before = 1_000;

    /// <summary>The clock of the logs is two hours ahead of that of the rules, or the other way round.</summary>
    [Theory]
    [Defended(nameof(Defences.CountBySequence), -2, 2)]
    public Task Clocks_that_differ_play_no_role(int hours, DefendedRun run) => Defended.Show(run, async boon =>
    {
        await boon.CaughtUp();
        await using var behind = await Behind(boon);
        await boon.AppendMany("test.start.v1", 5);
        var (campaign, quest) =
            (await boon.CreateCampaign(new { trigger = "test.start" }), await boon.CreateQuest(new { trigger = "test.start" }));
        foreach (var (schema, table, id) in ((string, string, Guid)[])[("promotions", "campaigns", campaign), ("quests", "quests", quest)])
            await boon.Execute($"""
                with changed as (update {schema}.rules_lock set version = version + 1 returning version)
                update {schema}.{table} t set created_at = t.created_at + make_interval(hours => $2), rules_version = c.version
                from changed c where t.id = $1
                """, id, hours);
        await boon.AppendMany("test.start.v1", 7);
        await behind.DisposeAsync();
        await boon.CaughtUp();
        (await Decided(boon, campaign)).ShouldBe(7);
        (await Received(boon, quest)).ShouldBe(7);
        (await boon.Replay("quests", checkOnly: true)).Equal.ShouldBeTrue();
    });

    /// <summary>
    /// The server of Identity's log is an hour ahead. Its database is the same as that of the rules, and the lanes follow; or it is another
    /// one, and they are behind.
    /// </summary>
    [Theory]
    [Defended(nameof(Defences.CountBySequence), true, OnlyWith = [false])]
    public async Task What_was_answered_before_a_creation_never_counts_and_what_begins_after_its_answer_always_does(
        bool apart, DefendedRun run)
    {
        var identity = apart ? await TestServer.CreateDatabaseAsync() : null;
        try
        {
            var starting = identity is null ? TestBoon.StartAsync() : TestBoon.StartAsync(("ConnectionStrings:Identity", identity));
            await Defended.Show(run, boon => WhileOthersSignIn(boon, identity ?? boon.Database), starting);
        }
        finally
        {
            if (identity is not null)
                await TestServer.DropDatabaseAsync(identity);
        }
    }

    private static async Task WhileOthersSignIn(TestBoon boon, string identity)
    {
        await using var log = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(identity) { Pooling = false }.ConnectionString);
        await using (var ahead = log.CreateCommand("update identity.log_head set recordedat = clock_timestamp() + interval '1 hour'"))
            await ahead.ExecuteNonQueryAsync();
        await boon.OperatorToken();
        await using var behind = identity == boon.Database ? null : await Behind(boon);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < Before / 8; i++)
                await SignIn(boon, Guid.CreateVersion7());
        }));

        // 0: not asked for yet, 1: asked for, 2: answered.
        var phase = 0;
        var signedIn = new ConcurrentBag<(Guid User, int Began, int Ended)>();
        using var stop = new CancellationTokenSource();
        var others = Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                var (user, began) = (Guid.CreateVersion7(), Volatile.Read(ref phase));
                await SignIn(boon, user);
                signedIn.Add((user, began, Volatile.Read(ref phase)));
            }
        }).ToList();
        await Eventually.Holds("sign-ins of before", () => Task.FromResult(signedIn.Count >= 50));
        Volatile.Write(ref phase, 1);
        var campaign = await boon.CreateCampaign(new { limit = 1_000_000 });
        var quest = await boon.CreateQuest(new { streak = 1, duplication = 1 });
        Volatile.Write(ref phase, 2);
        await Eventually.Holds("sign-ins of after", () => Task.FromResult(signedIn.Count(one => one.Began == 2) >= 50));
        await stop.CancelAsync();
        await Task.WhenAll(others);

        if (behind is not null)
            await behind.DisposeAsync();
        await Read(boon, log);
        foreach (var (table, column, id) in ((string, string, Guid)[])[
            ("promotions.decisions", "campaign_id", campaign), ("quests.received", "quest_id", quest)])
        {
            var counted = (await boon.Scalar<Guid[]>(
                $"select coalesce(array_agg(user_id), array[]::uuid[]) from {table} where {column} = $1", id)).ToHashSet();
            signedIn.Where(one => one.Began == 2).ShouldAllBe(one => counted.Contains(one.User));
            counted.ShouldBeSubsetOf(signedIn.Where(one => one.Ended > 0).Select(one => one.User), $"none of {table} was answered before");
        }
        (await boon.Replay("quests", checkOnly: true)).Equal.ShouldBeTrue();
    }

    [Fact]
    public async Task Rules_of_before_get_the_places_that_the_times_of_their_events_say()
    {
        await using var boon = await TestBoon.StartAsync();
        var rules = new List<(string Table, Guid Id)>();
        for (var i = 0; i < 4; i++)
        {
            rules.Add(("promotions.campaigns", await boon.CreateCampaign(new { trigger = "test.start" })));
            rules.Add(("quests.quests", await boon.CreateQuest(new { trigger = "test.start" })));
            await boon.AppendMany("test.start.v1", 3);
            await boon.CaughtUp();
        }
        await boon.Execute("update promotions.campaigns set counts_after = '{}'");
        await boon.Execute("update quests.quests set counts_after = '{}'");
        // An old copy of a log that is elsewhere now.
        await boon.Execute("update promotions.checkpoints set sequence = sequence + 1000 where source = 'wallet'");
        await boon.Execute(RuleStart.Fill("promotions", "campaigns", ["identity", "intake", "orders", "quests", "wallet"]));
        await boon.Execute(RuleStart.Fill("quests", "quests", ["identity", "intake", "orders", "promotions", "wallet"]));
        foreach (var (table, id) in rules)
        {
            string[] others = table == "quests.quests" ? ["wallet", "promotions"] : ["quests"];
            var more = string.Join(", ", others.Select(source =>
                $"'{source}', (select count(*) from {source}.event_order o where o.recordedat < r.created_at)"));
            (await boon.Scalar<bool>($"""
                select counts_after = jsonb_build_object(
                        'identity', (select count(*) from identity.event_order o where o.recordedat < r.created_at),
                        'intake', (select count(*) from intake.event_order o where o.recordedat < r.created_at),
                        'orders', (select count(*) from orders.event_order o where o.recordedat < r.created_at))
                    || jsonb_build_object({more})
                from {table} r where r.id = $1
                """, id)).ShouldBeTrue($"{table} {id}");
        }
        await boon.AppendMany("test.start.v1", 1);
        await boon.CaughtUp();
        foreach (var (index, id) in rules.Where(rule => rule.Table == "promotions.campaigns").Select(rule => rule.Id).Index())
            (await Decided(boon, id)).ShouldBe(3 * (4 - index) + 1);
    }

    private static Task SignIn(TestBoon boon, Guid user) =>
        boon.Append("identity.user-signed-in.v1", user, """{"first":true,"number":1}""");

    private static Task<long> Decided(TestBoon boon, Guid campaign) =>
        boon.Scalar<long>("select count(*) from promotions.decisions where campaign_id = $1", campaign);

    private static Task<long> Received(TestBoon boon, Guid quest) =>
        boon.Scalar<long>("select count(*) from quests.received where quest_id = $1", quest);

    /// <summary>Keeps the lanes that count where they are.</summary>
    private static Task<OpenTransaction> Behind(TestBoon boon) => OpenTransaction.BeginAsync(boon, """
        select from promotions.checkpoints where subscription = 'promotions.issue-vouchers' for update;
        select from quests.checkpoints where subscription = 'quests.track-progress' for update
        """);

    private static async Task Read(TestBoon boon, NpgsqlDataSource log)
    {
        await using var command = log.CreateCommand("select max(position) from identity.event_log");
        var last = (long)(await command.ExecuteScalarAsync())!;
        await Eventually.Holds("the lanes at the end", async () => await boon.Scalar<long>("""
            select min(sequence) from (
                select sequence from promotions.checkpoints where subscription = 'promotions.issue-vouchers' and source = 'identity'
                union all
                select sequence from quests.checkpoints where subscription = 'quests.track-progress' and source = 'identity') c
            """) >= last, TimeSpan.FromMinutes(1));
    }
}
