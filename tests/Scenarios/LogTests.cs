using Boon.Identity;
using Boon.Platform;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>The log under difficulty, with each defence and without it.</summary>
[Collection("Defences")]
public sealed class LogTests
{
    [Theory]
    [Defended(nameof(Defences.DenseSequence))]
    public async Task A_transaction_that_commits_late_is_not_skipped(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await using var boon = await TestBoon.StartAsync();
        var campaign = await boon.CreateCampaign(new { trigger = "test.late", limit = 10_000 });
        await using var scope = boon.Services.CreateAsyncScope();
        await using var late = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await late.BeginAsync(CancellationToken.None);
        late.AppendRaw("test.late", "test", "late", Guid.CreateVersion7(), "{}");
        await late.SaveAsync(CancellationToken.None); // it has its position, and is not committed
        for (var i = 0; i < 20; i++)
            await boon.AppendMany("test.late", 50);
        (await boon.Decisions(campaign, 1000)).Count.ShouldBe(1000);
        await late.CommitAsync(CancellationToken.None);

        await Guarantee.Show(run.Defended, async () =>
        {
            var within = run.Defended ? Eventually.Longest : TimeSpan.FromSeconds(2);
            await Eventually.Holds(
                "the late event's decision", async () => await boon.Scalar<long>("select count(*) from promotions.decisions") == 1001,
                within);
        });
    }

    [Theory]
    [Defended(nameof(Defences.Parking))]
    public async Task A_handler_that_throws_on_one_event_parks_that_event_alone_and_redrive_applies_it_once(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        var campaign = await boon.CreateCampaign(new { trigger = "test.step", limit = 1000 });
        // A campaign whose stored duration is no duration: judging the one event that matches it throws.
        var broken = await boon.CreateCampaign(new { trigger = "test.step", when = new { poison = true } });
        await boon.Execute("update promotions.campaigns set voucher_valid_for = 'nonsense' where id = $1", broken);
        var poisoned = Guid.CreateVersion7();
        await boon.AppendMany("test.step", 30);
        await boon.Append("test.step", poisoned, """{"poison": true}""");
        await boon.AppendMany("test.step", 30);

        await Guarantee.Show(run.Defended, () => Eventually.Holds("the other 60 decisions", async () =>
            await boon.Scalar<long>("select count(*) from promotions.decisions where campaign_id = $1", campaign) == 60,
            run.Defended ? Eventually.Longest : TimeSpan.FromSeconds(3)));
        if (!run.Defended)
            return;
        await boon.CaughtUp();
        var letter = (await boon.Api.Get("/v1/dead-letters", token)).Page<DeadLetter>().ShouldHaveSingleItem();
        letter.EventType.ShouldBe("test.step");
        letter.Error.ShouldContain("nonsense");
        (await boon.Scalar<long>("select count(*) from promotions.decisions where user_id = $1", poisoned)).ShouldBe(0);

        var redrive = $"/v1/dead-letters/{letter.Id}/redrive";
        (await boon.Api.Post(redrive, null, token)).Problem.ShouldBe("redrive-failed");
        await boon.Execute("update promotions.campaigns set voucher_valid_for = 'P1D' where id = $1", broken);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => boon.Api.Post(redrive, null, token)));
        answers.Count(answer => answer.Code == 204).ShouldBe(1);
        answers.Where(answer => answer.Code != 204).ShouldAllBe(answer => answer.Code == 404 || answer.Problem == "redrive-in-flight");
        (await boon.Scalar<long>("select count(*) from promotions.codes where user_id = $1", poisoned)).ShouldBe(2);
        (await boon.Api.Get("/v1/dead-letters", token))["data"].GetArrayLength().ShouldBe(0);
        var redriven = (await boon.Api.Get("/v1/dead-letters?state=redriven", token)).Page<DeadLetter>().ShouldHaveSingleItem();
        redriven.Id.ShouldBe(letter.Id);
        redriven.RedrivenAt!.Value.ShouldBeGreaterThan(redriven.ParkedAt);
        redriven.RedrivenBy.ShouldBe($"operator:{(await boon.Api.Get("/v1/users/me", token)).Id}");
        (await boon.Api.Get("/metrics")).Text.ShouldContain("boon_events_parked_total{subscription=\"promotions.issue-vouchers\"} ");
    }

    /// <summary>
    /// The race, step by step: a pass begins to lock the head (and waits in a view put before it); meanwhile another pass numbers and
    /// commits; then the first one gets the row as it is now, which is newer than its own snapshot.
    /// </summary>
    [Theory]
    [Defended(nameof(Defences.FreshComparison))]
    public async Task A_pass_that_meets_the_row_of_another_pass_does_not_take_it_for_a_restored_log(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await using var boon = await TestBoon.StartAsync();
        await boon.CaughtUp();
        await boon.Execute("""
            create function identity.gate() returns boolean language plpgsql volatile as $$
            begin
                if current_query() like '%for update skip locked%' then
                    perform pg_advisory_lock_shared(7);
                    perform pg_advisory_unlock_shared(7);
                end if;
                return true;
            end $$;
            alter table identity.log_head rename to head_row;
            create view identity.log_head as select ctid, * from identity.head_row where identity.gate();
            """);
        await using var other = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(boon.Database) { Pooling = false }.ConnectionString);
        await other.OpenAsync();
        async Task Other(string sql)
        {
            await using var command = new NpgsqlCommand(sql, other);
            await command.ExecuteNonQueryAsync();
        }

        await Other("select pg_advisory_lock(7)");
        await boon.AppendMany("test.race", 1);
        await Eventually.Holds("a pass that is about to lock", () => boon.Scalar<bool>("""
            select exists (select from pg_locks where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database()))
            """));
        for (var i = 0; i < 3; i++)
            await Other("select pg_current_xact_id()");
        await Other("""
            with numbered as (
                insert into identity.event_order (sequence, position, recordedat)
                select h.last + row_number() over (order by l.position), l.position, clock_timestamp()
                from identity.event_log l, identity.head_row h
                where not exists (select from identity.event_order o where o.position = l.position)
                returning 1)
            update identity.head_row set last = last + (select count(*) from numbered), settled = pg_current_snapshot()
            """);
        await Other("select pg_advisory_unlock(7)");
        await boon.AppendMany("test.race", 1);
        await boon.CaughtUp();

        await Guarantee.Show(run.Defended, async () =>
            (await boon.Scalar<long>("select floor from identity.head_row")).ShouldBe(0, "nothing was taken for restored"));
    }

    [Fact]
    public async Task A_log_restored_into_another_cluster_goes_on()
    {
        await using var boon = await TestBoon.StartAsync();
        var campaign = await boon.CreateCampaign(new { trigger = "test.restored" });
        await boon.CaughtUp();
        // As after a restore: the stored snapshot is ahead of this cluster's transactions.
        await boon.Execute("update identity.event_log set txid = (3900000000000 + position)::text::xid8");
        await boon.Execute("update identity.log_head set settled = '4000000000000:4000000000000:'");
        await boon.AppendMany("test.restored", 5);
        (await boon.Decisions(campaign, 5)).Count.ShouldBe(5);
        await boon.AppendMany("test.restored", 5);
        (await boon.Decisions(campaign, 10)).Count.ShouldBe(10);
        (await boon.Scalar<bool>("select max(sequence) = count(*) and count(distinct position) = count(*) from identity.event_order"))
            .ShouldBeTrue();
        (await boon.Api.Get("/metrics")).Text.ShouldContain("boon_log_restored_total{module=\"identity\"} ");
    }

    [Fact]
    public async Task A_log_at_rest_is_looked_at_without_taking_transaction_ids()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.CaughtUp();
        var database = boon.Services.GetRequiredService<Databases>().Of("identity");
        var sequencer = new Sequencer(database, new LogSignals(), Microsoft.Extensions.Logging.Abstractions.NullLogger<Sequencer>.Instance);
        // Row locks would leave the id of who locked: xmax.
        var before = await boon.Scalar<string>("select xmin::text || ' ' || xmax::text from identity.log_head");
        for (var i = 0; i < 10; i++)
            (await sequencer.PassAsync(CancellationToken.None)).ShouldBe(Sequencer.Pass.Idle);
        (await boon.Scalar<string>("select xmin::text || ' ' || xmax::text from identity.log_head")).ShouldBe(before);
    }

    [Fact]
    public async Task Events_are_found_by_user_and_by_type_in_all_versions_page_by_page()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        var user = Guid.CreateVersion7();
        foreach (var type in (string[])[
            "test.rare.v1", "test.rare.v2", "test.rare", "test.rare.vague", "test.rarest", "test.rare.v10", "test.rare.w1"])
        {
            await boon.Append(type, user, "{}");
            await boon.AppendMany("test.common", 40);
        }
        async Task<string[]> Types(string query, int limit = 200) =>
            [.. (await boon.Api.All<Event>($"/v1/events?{query}", token, limit)).Select(e => e.Type)];
        (await Types("type=test.rare", limit: 2))
            .ShouldBe(["test.rare.v10", "test.rare", "test.rare.v2", "test.rare.v1"]);
        (await Types("type=test.rare.v1")).ShouldBe(["test.rare.v1"]);
        (await boon.Api.All("/v1/events?type=test.common", token, limit: 100)).Count.ShouldBe(280);
        (await Types($"userId={user}", limit: 3))
            .ShouldBe(["test.rare.w1", "test.rare.v10", "test.rarest", "test.rare.vague", "test.rare", "test.rare.v2", "test.rare.v1"]);
        (await Types($"userId={user}&type=test.rare", limit: 1))
            .ShouldBe(["test.rare.v10", "test.rare", "test.rare.v2", "test.rare.v1"]);
    }

    [Fact]
    public async Task Numbers_are_dense_and_recordedAt_never_goes_back()
    {
        await using var boon = await TestBoon.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < 25; i++)
                await boon.AppendMany("test.dense", 3);
        }));
        await boon.CaughtUp();
        (await boon.Scalar<bool>("""
            select max(sequence) = count(*) and min(sequence) = 1 and count(distinct position) = count(*) from identity.event_order
            """)).ShouldBeTrue();
        (await boon.Scalar<long>("""
            select count(*) from (select recordedat < lag(recordedat) over (order by sequence) as back from identity.event_order) o
            where back
            """)).ShouldBe(0);
    }

    [Fact]
    public async Task The_events_of_all_modules_are_listed_newest_first_and_narrowed()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        await boon.CreateCampaign(new { trigger = "test.listed", perUser = 5 });
        var user = Guid.CreateVersion7();
        for (var i = 0; i < 5; i++)
            await boon.Append("test.listed.v" + i, user, $$"""{"i":{{i}}}""");
        await boon.CaughtUp();
        var all = await boon.Api.All<Event>("/v1/events", token, limit: 3);
        var whole = await boon.Api.All<Event>("/v1/events", token);
        all.Select(e => e.Id).ShouldBe(whole.Select(e => e.Id));
        all.Select(e => e.Id).ShouldBeUnique();
        all.Select(e => e.RecordedTime).ShouldBe(all.Select(e => e.RecordedTime).OrderDescending());
        all.Select(e => e.Source).Distinct().ShouldBe(["/identity", "/promotions"], ignoreOrder: true);

        (await boon.Api.All("/v1/events?type=test.listed", token)).Count.ShouldBe(5);
        (await boon.Api.All("/v1/events?type=test.listed.v3", token)).Count.ShouldBe(1);
        (await boon.Api.All("/v1/events?type=test.liste", token)).Count.ShouldBe(0);
        (await boon.Api.All($"/v1/events?userId={user}&module=promotions", token)).Count.ShouldBe(5);
        (await boon.Api.Get("/v1/events?module=nonsense", token)).Code.ShouldBe(400);
    }
}
