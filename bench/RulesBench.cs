using Boon.Contracts;
using Boon.Host.Demo;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Promotions;
using Boon.Promotions.Campaigns;
using Boon.Promotions.Migrations;
using Boon.Quests;
using Boon.Quests.Progress;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Bench;

/// <summary>
/// Sign-ins through campaigns and quests that are many and give nothing: a thousand that are over beside none, a thousand whose <c>when</c>
/// does not match beside ten, in turn. Then what operators ask of a campaign with a million vouchers and a quest with a million users,
/// beside a thousand.
/// </summary>
internal static class RulesBench
{
    private const int Events = 20_000;
    private const int Many = 1_000;
    private const int Few = 10;
    private const int Runs = 5;
    private const double LeastOver = 0.9;
    private const double LeastActive = 0.5;
    private const int Large = 1_000_000;
    private const int Small = 1_000;
    private const int Calls = 50;
    private const double MostMilliseconds = 50;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var figures = new Figures($"rules: {Events:N0} sign-ins, medians of {Runs} runs, interleaved; answers are medians of {Calls}; the "
            + $"limit is the small case of the same run");
        await using var source = NpgsqlDataSource.Create(connectionString);
        await ThroughAsync<PromotionsDb>(
            figures, "campaigns", connectionString, source, SeedCampaignsAsync, () =>
            new IssueVouchers(NullLogger<IssueVouchers>.Instance).HandleAsync, ct);
        await ThroughAsync<QuestsDb>(
            figures, "quests", connectionString, source, SeedQuestsAsync, () =>
            new TrackProgress(NullLogger<TrackProgress>.Instance).HandleAsync, ct);
        await AnswersAsync(figures, connectionString, ct);
        return figures;
    }

    private static async Task ThroughAsync<TContext>(
        Figures figures, string what, string connectionString, NpgsqlDataSource source,
        Func<NpgsqlDataSource, int, bool, CancellationToken, Task> seed,
        Func<BatchHandler<TContext>> handler, CancellationToken ct)
        where TContext : DbContext
    {
        var events = Enumerable.Range(0, Events).Select(SubscriptionBench.Make).ToList();
        List<double> none = [], over = [], few = [], many = [];
        for (var run = -1; run < Runs; run++)
        {
            // The two sides of a ratio take turns in being first.
            var rates = new double[4];
            foreach (var side in (int[])(run % 2 == 0 ? [0, 1, 2, 3] : [1, 0, 3, 2]))
                rates[side] = await RateAsync(side switch { 0 => 0, 2 => Few, _ => Many }, over: side < 2);
            Console.WriteLine(run < 0 ? "Warmed up." : $"Run {run + 1} of {Runs}, {what}: none {rates[0]:N0}, over {rates[1]:N0}, few "
                + $"{rates[2]:N0}, many {rates[3]:N0} events a second.");
            if (run < 0)
                continue;
            foreach (var (list, rate) in ((List<double>[])[none, over, few, many]).Zip(rates))
                list.Add(rate);
        }
        Add($"{Many:N0} {what} that are over, beside none", over, none, LeastOver);
        Add($"{Many:N0} active {what} whose when does not match, beside {Few}", many, few, LeastActive);

        void Add(string figure, List<double> measured, List<double> limit, double least)
        {
            var ratio = Figures.Ratio(measured, limit);
            figures.Add(figure, Figures.Rate(Figures.Median(measured)), Figures.Rate(Figures.Median(limit)), ratio, $">= {least:0.0}",
                ratio >= least);
        }

        async Task<double> RateAsync(int rules, bool over)
        {
            var schema = ModuleContext.SchemaOf<TContext>();
            await ExecuteAsync(source, $"drop schema if exists {schema} cascade", ct);
            await new ModuleMigrations<TContext>(
                new ModuleDatabase<TContext>(new ModuleDatabase(schema, source, source)), NullLogger<ModuleMigrations>.Instance)
                .ApplyAsync(ct);
            await seed(source, rules, over, ct);
            await using var pipeline = await LogPipeline<TContext>.CreateAsync(
                connectionString, events.Count, lanes: 1, SubscriptionBench.DefaultBatch, handler(), ct);
            var rate = events.Count / await SubscriptionBench.TimeAsync(() => pipeline.AllAtOnceAsync(events, ct));
            await using var count = source.CreateCommand($"select count(*) from {schema}.event_log");
            return await count.ExecuteScalarAsync(ct) is 0L ? rate : throw new InvalidOperationException($"Some {what} had an effect.");
        }
    }

    /// <summary>
    /// Over: ended, past their end, or exhausted and silent, a third each. Active: half ask for one thing, half each for its own.
    /// </summary>
    private static Task SeedCampaignsAsync(NpgsqlDataSource source, int count, bool over, CancellationToken ct) => ExecuteAsync(
        source, $$"""
        insert into promotions.campaigns (
            id, name, trigger, when_json, issue_limit, per_user, benefit, voucher_valid_for, max_uses, ends_at, state, issued, ranked,
            created_at)
        select gen_random_uuid(), 'c', '{{EventNames.WithoutVersion(UserSignedIn.Name)}}',
            case when {{over}} then null when i % 2 = 0 then '{"first":true,"number":-1}'
            else format('{"first":true,"username":"nobody-%s"}', i) end::json,
            10, 1, '{"kind":"percent","value":1}', 'P30D', 1,
            case when {{over}} and i % 3 = 1 then timestamptz '2021-01-01' end, case when {{over}} and i % 3 = 2 then 'ended'
            else 'active' end,
            case when {{over}} and i % 3 = 0 then 10 else 0 end, case when {{over}} and i % 3 = 0 then 10 + {{CampaignRules.MostTold}}
            else 0 end, '2020-01-01'
        from generate_series(1, {{count}}) i
        """, ct);

    private static Task SeedQuestsAsync(NpgsqlDataSource source, int count, bool over, CancellationToken ct) => ExecuteAsync(source, $$"""
        with reward as (insert into quests.rewards (id, name, item, quantity) values (gen_random_uuid(), 'r', 'gold', 1) returning id)
        insert into quests.quests (id, name, reward_id, trigger, when_json, streak, duplication, auto_claim, state, version, created_at)
        select gen_random_uuid(), 'q', reward.id, '{{EventNames.WithoutVersion(UserSignedIn.Name)}}',
            case when {{over}} then null when i % 2 = 0 then '{"first":true,"number":-1}'
            else format('{"first":true,"username":"nobody-%s"}', i) end::json,
            1, 1, false, case when {{over}} then 'ended' else 'active' end, 1, '2020-01-01'
        from reward, generate_series(1, {{count}}) i
        """, ct);

    private static async Task AnswersAsync(Figures figures, string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await ExecuteAsync(source,
            "drop schema if exists promotions cascade; drop schema if exists quests cascade; drop schema if exists producer cascade", ct);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        using var client = new DemoClient(host.Url, connections: 1);
        var token = await Accounts.SignInAsync(client, "operator", HostProcess.OperatorPassword, ct);
        var reward = await IdAsync("/v1/rewards", new { name = "r", item = "gold", quantity = 1 });
        List<(Guid Campaign, Guid Quest)> made = [];
        foreach (var size in (int[])[Small, Large])
        {
            var campaign = await IdAsync(
                "/v1/campaigns", new
                { name = "c", trigger = "external.bench", limit = Large, benefit = new { kind = "percent", value = 1 },
                voucherValidFor = "P30D" });
            var quest = await IdAsync(
                "/v1/quests", new { name = "q", rewardId = reward, trigger = "external.bench", streak = 30, duplication = 5 });
            await ExecuteAsync(source, $$"""
                alter table promotions.codes disable trigger uses_made;
                insert into promotions.codes (id, code, campaign_id, user_id, benefit, max_uses, uses, expires_at)
                select gen_random_uuid(), 'bench-{{size}}-' || i, '{{campaign}}', gen_random_uuid(), '{"kind":"percent","value":1}', 1,
                    i % 2, 'infinity' from generate_series(1, {{size}}) i;
                alter table promotions.codes enable trigger uses_made;
                update promotions.campaigns set issued = {{size}}, ranked = {{size}} where id = '{{campaign}}';
                insert into quests.progress (quest_id, user_id, streak, completions, received)
                select '{{quest}}', gen_random_uuid(), i % 30, i % 5, 1 from generate_series(1, {{size}}) i
                """, ct);
            made.Add((campaign, quest));
        }
        await ExecuteAsync(source, CountCampaignUses.Count, ct);
        await AddAsync("PATCH of a campaign", "vouchers", (campaign, _, call) =>
            client.SendAsync(HttpMethod.Patch, $"/v1/campaigns/{campaign}", new { description = $"{call}" }, token, ct));
        await AddAsync("GET of a campaign", "vouchers", (campaign, _, _) =>
            client.SendAsync(HttpMethod.Get, $"/v1/campaigns/{campaign}", null, token, ct));
        await AddAsync("steps of a quest", "users", (_, quest, _) =>
            client.SendAsync(HttpMethod.Get, $"/v1/quests/{quest}/steps", null, token, ct));

        async Task<Guid> IdAsync(string path, object body) =>
            (await client.SendAsync(HttpMethod.Post, path, body, token, ct)).Body.GetProperty("id").GetGuid();

        async Task AddAsync(string figure, string what, Func<Guid, Guid, int, Task<DemoClient.Answer>> send)
        {
            List<double>[] times = [[], []];
            for (var call = -5; call < Calls; call++)
                foreach (var ((campaign, quest), list) in made.Zip(times))
                {
                    var started = Stopwatch.GetTimestamp();
                    var answer = await send(campaign, quest, call);
                    if (!answer.Ok)
                        throw new InvalidOperationException($"{figure}: {answer.Refusal}");
                    if (call >= 0)
                        list.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }
            var median = Figures.Median(times[1]);
            figures.Add($"{figure} with {Large:N0} {what}, beside {Small:N0}", Figures.Milliseconds(median), Figures.Milliseconds(
                Figures.Median(times[0])), Figures.Ratio(times[1], times[0]), $"< {MostMilliseconds} ms", median < MostMilliseconds);
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql, CancellationToken ct)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}
