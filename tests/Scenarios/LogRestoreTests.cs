using Boon.Platform;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>Logs that were restored: into another cluster, and to an earlier state.</summary>
[Collection("Defences")]
public sealed class LogRestoreTests
{
    private const int Unnumbered = 5_000;
    private const int Running = 20;
    private const int Meanwhile = 40;

    [Fact]
    public Task A_dump_restored_into_a_cluster_with_lower_transaction_ids_goes_on_while_requests_do() => RestoreAsync(100_000);

    [Fact(Explicit = true)]
    [Trait("Category", "Heavy")]
    public Task A_dump_of_two_million_events_does_too() => RestoreAsync(2_000_000);

    /// <summary>
    /// A log whose ids are those of an old cluster: most of it numbered, some events committed after the last pass, some that ran in it.
    /// </summary>
    private static async Task<Guid> MakeLogAsync(string database, int events)
    {
        Guid campaign;
        await using (var boon = await TestBoon.StartOnAsync(database))
        {
            campaign = await boon.CreateCampaign(new { trigger = "test.restored", limit = 10_000 });
            await boon.CaughtUp();
        }
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var fill = new NpgsqlCommand($"""
            update identity.event_log set txid = '3900000000000';
            insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, txid)
            select gen_random_uuid(), 'test', 'filler', 'test.filler', json_build_object(), (3900000000000 + n)::text::xid8
            from generate_series(1, {events}) n;
            insert into identity.event_order (sequence, position, recordedat)
            select h.last + row_number() over (order by l.position), l.position, h.recordedat from identity.log_head h, identity.event_log l
            where not exists (select from identity.event_order o where o.position = l.position);
            update identity.log_head
            set last = (select max(sequence) from identity.event_order),
                settled = '3990000000003:3990000000010:3990000000003,3990000000005';
            update promotions.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            update quests.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            update orders.checkpoints set sequence = h.last, read_sequence = null, read_event = null from identity.log_head h
            where source = 'identity';
            insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid, txid)
            select gen_random_uuid(), 'test', 'waiting', 'test.restored', json_build_object(), gen_random_uuid(),
                   (case when n <= {Running} then 3990000000003 else 3990000000010 + n end)::text::xid8
            from generate_series(1, {Running + Unnumbered}) n;
            """, connection)
        { CommandTimeout = 0 };
        await fill.ExecuteNonQueryAsync();
        return campaign;
    }

    private static async Task RestoreAsync(int events)
    {
        var most = Sequencer.Most;
        var folder = Directory.CreateTempSubdirectory("boon-restore-");
        var source = await TestServer.CreateDatabaseAsync();
        try
        {
            var campaign = await MakeLogAsync(source, events);
            await using var another = await PostgresTools.StartAnotherAsync(folder.FullName);
            await PostgresTools.DumpAndRestoreAsync(source, another.ConnectionString);

            Sequencer.Most = 1_000; // several passes
            await using var boon = await TestBoon.StartOnAsync(another.ConnectionString);
            var token = await boon.OperatorToken();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                for (var i = 0; i < Meanwhile / 4; i++)
                {
                    await boon.AppendMany("test.restored", 1);
                    (await boon.Api.Get("/v1/events?limit=1", token)).Code.ShouldBe(200);
                }
            }));
            var expected = Running + Unnumbered + Meanwhile;
            await Eventually.Holds("every event's decision", async () =>
                await boon.Scalar<long>("select count(*) from promotions.decisions where campaign_id = $1", campaign) == expected,
                TimeSpan.FromMinutes(2));
            await boon.CaughtUp(TimeSpan.FromMinutes(2));
            (await boon.Scalar<bool>("""
                select (select count(*) from identity.event_log) = count(*) and max(sequence) = count(*) and min(sequence) = 1
                   and count(distinct position) = count(*) and max(sequence) = (select last from identity.log_head)
                from identity.event_order
                """)).ShouldBeTrue("nothing is lost or doubled");
            (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
            (await boon.Scalar<bool>(
                "select floor > 0 and system = (select system_identifier::text from pg_control_system()) from identity.log_head"))
                .ShouldBeTrue();
            (await boon.Api.Get("/metrics")).Text.ShouldContain("boon_log_restored_total{module=\"identity\"} 1\n");
            // Events whose ids of the other cluster are given out again stay what they are.
            await boon.Execute("""
                update identity.event_log set txid = pg_current_xact_id()
                where type = 'test.filler' and position % 100 = 0
                """);
            await boon.AppendMany("test.restored", 5);
            (await boon.Decisions(campaign, expected + 5)).Count.ShouldBe(expected + 5);
        }
        finally
        {
            Sequencer.Most = most;
            await TestServer.DropDatabaseAsync(source);
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [Defended(nameof(Defences.Epochs))]
    public async Task Readers_of_a_log_that_was_restored_to_an_earlier_state_stop_until_they_are_told_from_where_to_go_on(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        var identity = await TestServer.CreateDatabaseAsync();
        try
        {
            await using var boon = await TestBoon.StartAsync(("ConnectionStrings:Identity", identity), ("Boon:Log:Level", "Error"));
            await using var log = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(identity) { Pooling = false }.ConnectionString);
            async Task<long> Head()
            {
                await using var command = log.CreateCommand("select last from identity.log_head");
                return (long)(await command.ExecuteScalarAsync())!;
            }

            Task Stands(long at) => Eventually.Holds($"the lane at {at}", async () => await Checkpoint() == at);
            Task<long> Lanes(string which) => boon.Scalar<long>($"select count(*) from quests.checkpoints where subscription = "
                + $"'quests.track-progress' and source = 'identity' and {which}");
            Task<long> Checkpoint() =>
                boon.Scalar<long>(
                    "select sequence from promotions.checkpoints where subscription = 'promotions.issue-vouchers' and source = 'identity'");
            var campaign = await boon.CreateCampaign(new { trigger = "test.lost" });
            await boon.AppendMany("test.lost", 3);
            await boon.Decisions(campaign, 3);
            var restored = await Head();
            await Stands(restored);

            var copy = await PostgresTools.CopyAsync(identity);
            long lost;
            Guid late;
            // One lane of the quests does not come to read what will be lost: it goes on in the restored log, beside lanes that stop.
            await using (var held = await HoldAsync(boon.Database, "quests.track-progress", lane: 1))
            {
                await boon.AppendMany("test.lost", 5);
                await boon.Decisions(campaign, 8);
                lost = await Head();
                await Stands(lost);
                await Eventually.Holds(
                    "the other lanes", async () => await Lanes($"lane <> 1 and sequence = {lost}") == await Lanes("lane <> 1"));
                late = await boon.CreateCampaign(new { trigger = "test.lost" });
                await PostgresTools.PutInPlaceAsync(copy, identity);
            }

            for (var i = 0; i < 10; i++)
                await Eventually.Holds("an append", () => TryAppendAsync(boon));
            await Eventually.Holds("their numbers", async () => await Head() >= restored + 10);
            await Guarantee.Show(run.Defended, async () =>
            {
                await Eventually.Holds("a word about it, or a step", async () => Said(boon, "log-diverged") || await Checkpoint() > lost);
                (await boon.Scalar<long>("select count(*) from promotions.decisions")).ShouldBe(8, "nothing was skipped in silence");
            });
            if (!run.Defended)
                return;
            (await Checkpoint()).ShouldBe(lost);
            await Eventually.Holds("the metric", () => IsStopped(boon));

            await Eventually.Holds(
                "the lane that had not read them", async () => await Lanes($"lane = 1 and sequence >= {restored + 10}") == 1);

            await GoesOnAsync(boon, restored, campaign, late);
            await StopsAtAnotherLogAsync(boon, campaign);
        }
        finally
        {
            await TestServer.DropDatabaseAsync(identity);
        }
    }

    private static async Task<bool> TryAppendAsync(TestBoon boon)
    {
        try
        {
            await boon.AppendMany("test.lost", 1);
            return true;
        }
        catch (NpgsqlException)
        {
            return false; // a connection of before the restore
        }
    }

    /// <summary>The lanes go on once they are told from where, and refuse places that cannot be.</summary>
    private static async Task GoesOnAsync(TestBoon boon, long restored, Guid campaign, Guid late)
    {
        var epochs = boon.Services.GetRequiredService<LogEpochs>();
        (await epochs.AcceptAsync("identity", null, CancellationToken.None))
            .ShouldContain(lane => lane.Subscription == "promotions.issue-vouchers" && lane.GoesOn == null);
        await Should.ThrowAsync<Boon.Platform.SetupException>(() => epochs.AcceptAsync("identity", 1_000_000, CancellationToken.None));
        (await boon.Scalar<long>("select count(*) from promotions.decisions")).ShouldBe(8);
        await Should.ThrowAsync<Boon.Platform.SetupException>(() => epochs.AcceptAsync("identity", restored - 1, CancellationToken.None));
        (await boon.Scalar<long>("select count(*) from promotions.decisions")).ShouldBe(8);
        (await epochs.AcceptAsync("identity", restored, CancellationToken.None)).ShouldAllBe(lane => lane.GoesOn != null);
        (await boon.Decisions(campaign, 18)).Count.ShouldBe(18);
        (await boon.Decisions(late, 10)).Count.ShouldBe(10, "what has the numbers of lost events came after it");
        (await boon.Scalar<long>("select count(*) from promotions.decisions where source like 'identity#%'"))
            .ShouldBe(5, "what became of lost events is kept under another name");
        (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
        (await IsStopped(boon)).ShouldBeFalse();
    }

    /// <summary>A new id says that a log is another one, though its events are what they were.</summary>
    private static async Task StopsAtAnotherLogAsync(TestBoon boon, Guid campaign)
    {
        var epochs = boon.Services.GetRequiredService<LogEpochs>();
        await epochs.BeginAsync("identity", CancellationToken.None);
        await boon.AppendMany("test.lost", 1);
        await Eventually.Holds("a stop", () => IsStopped(boon));
        (await epochs.AcceptAsync("identity", null, CancellationToken.None)).ShouldAllBe(lane => lane.GoesOn == lane.Stood);
        (await boon.Decisions(campaign, 19)).Count.ShouldBe(19);
    }

    /// <summary>Keeps a lane from reading until the answer is disposed of.</summary>
    private static async Task<NpgsqlConnection> HoldAsync(string database, string subscription, int lane)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var hold = new NpgsqlCommand(
            $"begin; select from quests.checkpoints where subscription = '{subscription}' and lane = {lane} for update", connection);
        await hold.ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task<bool> IsStopped(TestBoon boon) => (await boon.Api.Get("/metrics")).Text.Contains(
        "boon_subscription_stopped{lane=\"0\",source=\"identity\",subscription=\"promotions.issue-vouchers\"} 1\n",
        StringComparison.Ordinal);

    private static bool Said(TestBoon boon, string name) =>
        Directory.EnumerateFiles(Path.Combine(boon.Data, "logs"), "*-error-*.json").Any(file =>
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd().Contains(name, StringComparison.Ordinal);
        });
}
