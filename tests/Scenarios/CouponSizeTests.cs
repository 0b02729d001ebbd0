using System.Diagnostics;
using System.Text.RegularExpressions;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Coupons where there are many of something: expired ones, types, claims that wait.</summary>
public sealed partial class CouponSizeTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private async Task<string> Type(object? rules = null)
    {
        var name = "S-" + Guid.CreateVersion7().ToString("N");
        (await boon.Api.Put($"/v1/coupon-types/{name}", rules ?? new { perUser = (int?)null }, await boon.OperatorToken())).Code
            .ShouldBe(201);
        return name;
    }

    private async Task Upload(string type, int count, string prefix) => (await boon.Api.Post("/v1/coupons", new
    {
        coupons = Enumerable.Range(0, count)
            .Select(i =>
            new { code = $"{type}-{prefix}{i}", type, discount = new { kind = "percent", value = 10 },
            expiresAt = "2090-01-01T00:00:00Z" }),
    }, await boon.OperatorToken())).Code.ShouldBe(201);

    private async Task<(long Uploaded, long Available, long Claimed, long Purged)> Counters(string type)
    {
        var view = (await boon.Api.All<CouponType>("/v1/coupon-types", await boon.OperatorToken())).Single(one => one.Name == type);
        return (view.Uploaded, view.Available, view.Claimed, view.Purged);
    }

    private static string? Code(Answer claim) => claim.As<Claim>().Coupon!.Code;

    /// <summary>
    /// Times of expiry of 3,000 coupons in a row, and of those after them; as many different ones as there are coupons is more than the
    /// look for the next good one tries.
    /// </summary>
    [Theory]
    [InlineData("now()", "expires_at", 5)]
    [InlineData("now() - n * interval '1 second'", "now() + n * interval '1 hour'", 1_500)]
    public async Task Claims_pass_thousands_of_expired_coupons_at_once_and_they_are_purged_by_and_by(string expired, string good, int goods)
    {
        var type = await Type();
        await Upload(type, 3_000, "a");
        await Upload(type, goods, "b");
        await boon.Execute($"""
            update promotions.codes c set expires_at = case when n <= 3000 then {expired} else {good} end
            from (select id as number, row_number() over (order by position) as n from promotions.codes where type = $1) r
            where r.number = c.id
            """, type);
        var (_, token) = (await boon.SeedMembers(1))[0];
        Code(await boon.Api.Post("/v1/claims", new { type }, token)).ShouldBe($"{type}-b0");
        var purge = await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken());
        purge.Code.ShouldBe(200);
        await Eventually.Holds(
            "the purge", async () => !await boon.Scalar<bool>("select exists (select from promotions.coupon_gaps where type = $1)", type));
        (await Counters(type)).ShouldBe((3_000 + goods, goods - 1, 1, 3_000));
        (await boon.Scalar<long>("select count(*) from promotions.codes where type = $1 and purged_at is not null", type)).ShouldBe(3_000);
        (await boon.Scalar<long>("select count(*) from promotions.codes c join promotions.claims k on k.code_id = c.id where c.type = $1 "
            + "and c.purged_at is not null", type)).ShouldBe(0);
        Code(await boon.Api.Post("/v1/claims", new { type }, token)).ShouldBe($"{type}-b1");
        (await boon.Scalar<long>("select sum((payload->>'count')::bigint)::bigint from promotions.event_log where type = "
            + "'promotions.coupons-purged.v1' and payload->>'type' = $1", type)).ShouldBe(3_000);
    }

    [Fact]
    public async Task A_pool_of_which_all_has_expired_is_sold_out_until_the_next_upload()
    {
        var type = await Type();
        await Upload(type, 2_000, "a");
        await boon.Execute("update promotions.codes set expires_at = now() where type = $1", type);
        var (_, token) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/claims", new { type }, token)).Problem.ShouldBe("sold-out");
        (await boon.Scalar<long>("select count(*) from promotions.codes where type = $1 and purged_at is null", type))
            .ShouldBeGreaterThan(0, "a claim purges no more than a few itself");
        await Upload(type, 1, "b");
        Code(await boon.Api.Post("/v1/claims", new { type }, token)).ShouldBe($"{type}-b0");
        await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken());
        await Eventually.Holds("the purge", async () => await Counters(type) == (2_001, 0, 1, 2_000));
    }

    [Fact]
    public async Task A_purge_finds_what_expires_later_too_and_leaves_what_is_claimed()
    {
        var type = await Type();
        await Upload(type, 20, "a");
        var (_, token) = (await boon.SeedMembers(1))[0];
        for (var i = 0; i < 5; i++)
            (await boon.Api.Post("/v1/claims", new { type }, token)).Code.ShouldBe(201);
        foreach (var some in (int[])[10, 15])
        {
            await boon.Execute("update promotions.codes set expires_at = now() where id = any (array(select id from promotions.codes where "
                + "type = $1 order by position limit $2))", type, some);
            await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken());
            (await Counters(type)).ShouldBe((20, 20 - some, 5, some - 5));
        }
    }

    [Fact]
    public async Task Types_are_listed_in_pages_each_once_by_name()
    {
        var prefix = $"L{Guid.CreateVersion7():N}-";
        await boon.Execute("insert into promotions.coupon_types (name, per_user) select $1 || n, 1 from generate_series(1, 450) n", prefix);
        var token = await boon.OperatorToken();
        var names = (await boon.Api.All<CouponType>("/v1/coupon-types", token, limit: 100)).ConvertAll(type => type.Name ?? "");
        names.ShouldBeUnique();
        names.Count(name => name.StartsWith(prefix, StringComparison.Ordinal)).ShouldBe(450);
        names[0].ShouldBe("", "coupons without a type come first");
        var first = await boon.Api.Get("/v1/coupon-types", token);
        (first["data"].GetArrayLength(), first["next"].GetString())
            .ShouldSatisfyAllConditions(page => page.Item1.ShouldBe(50), page => page.Item2.ShouldNotBeNull());
        (await boon.Api.Get("/v1/coupon-types?cursor=x", token)).Problem.ShouldBe("validation-failed");
        await boon.Execute("delete from promotions.coupon_types where name like $1 || '%'", prefix);
    }

    [Fact]
    public async Task Counters_of_thousands_of_types_are_left_as_they_are_until_one_has_many_rows()
    {
        var prefix = $"F{Guid.CreateVersion7():N}-";
        await boon.Execute("insert into promotions.coupon_counts (type, claimed) select $1 || n, n from generate_series(1, 2500) n",
            prefix);
        await boon.Execute("insert into promotions.coupon_counts (type, claimed) select $1 || 7, 1 from generate_series(1, 100) n", prefix);
        var before = await boon.Scalar<string>(
            "select string_agg(ctid::text, ',' order by type) from promotions.coupon_counts where type like $1 || '%' and type <> $1 || 7",
            prefix);
        var counts = (Promotions.CouponTypes.CouponCounts)boon.Services.GetService(typeof(Promotions.CouponTypes.CouponCounts))!;
        // Rows that the service itself folds at this moment are passed over by anybody else.
        await Eventually.Holds("one row", async () =>
        {
            await counts.FoldAsync(CancellationToken.None);
            return await boon.Scalar<string>(
                "select string_agg(claimed::text, ',') from promotions.coupon_counts where type = $1 || 7", prefix) == "107";
        });
        (await boon.Scalar<string>(
            "select string_agg(ctid::text, ',' order by type) from promotions.coupon_counts where type like $1 || '%' and type <> $1 || 7",
            prefix)).ShouldBe(before);
    }

    [Fact]
    public async Task Metrics_name_a_hundred_types_and_no_unknown_one()
    {
        var prefix = $"M{Guid.CreateVersion7():N}-";
        await boon.Execute("insert into promotions.coupon_types (name) select $1 || n from generate_series(1, 120) n", prefix);
        var (_, token) = (await boon.SeedMembers(1))[0];
        await Task.WhenAll(Enumerable.Range(1, 120)
            .Select(async n => (await boon.Api.Post("/v1/claims", new { type = prefix + n }, token)).Problem.ShouldBe("sold-out")));
        await Task.WhenAll(Enumerable.Range(1, 200)
            .Select(async n =>
            (await boon.Api.Post("/v1/claims", new { type = $"NO{prefix}{n}" }, token, key: n % 2 == 0 ? $"{n}" : null)).Problem
                .ShouldBe("type-unknown")));
        var metrics = (await boon.Api.Get("/metrics", await boon.OperatorToken())).Text;
        metrics.ShouldNotContain("NO" + prefix);
        var labels = TypeLabel().Matches(metrics).Select(match => match.Value).Distinct().ToList();
        labels.Count.ShouldBeLessThanOrEqualTo(101);
        labels.ShouldContain("type=\"(other)\"");
    }

    [GeneratedRegex("(?<=^boon_claims_total.*)type=\"[^\"]*\"", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TypeLabel();

    [Fact]
    public async Task A_type_that_somebody_holds_delays_no_other_paced_type_and_no_other_reward()
    {
        var pace = new { perUser = (int?)null, pace = new { perSecond = 100, concurrency = 5, maxQueue = 5, maxWaitSeconds = 600 } };
        var (held, free) = (await Type(pace), await Type(pace));
        var (heldReward, freeReward) = (await Type(), await Type());
        foreach (var type in (string[])[held, free, heldReward, freeReward])
            await Upload(type, 1, "a");
        // The pace's second is full, so that the claim waits.
        await boon.Execute("update promotions.coupon_types set recent_grants = array_fill(now(), array[100]) where name = $1", held);
        var members = await boon.SeedMembers(2);
        var waits = await boon.Api.Post("/v1/claims", new { type = held }, members[0].Token);
        await using (await OpenTransaction.BeginAsync(
            boon, "select from promotions.coupon_types where name = any ($1) for update", (object)new[] { held, heldReward }))
        {
            await boon.Execute("""
                insert into promotions.coupon_rewards (user_id, quest_id, number, type, quantity, event_id)
                select $1, gen_random_uuid(), 1, type, 1, gen_random_uuid() from unnest($2) type
                """, members[0].Id, new[] { heldReward, freeReward });
            var claim = await boon.Api.Post("/v1/claims", new { type = free }, members[1].Token);
            var granted = await boon.Api.Send(
                HttpMethod.Get, $"/v1/claims/{claim.Id}", null, members[1].Token, change: request =>
                request.Headers.Add("Prefer", "wait=30"));
            granted["state"].GetString().ShouldBe("granted");
            await Eventually.Holds(
                "the reward", () =>
                boon.Scalar<bool>("select granted_at is not null from promotions.coupon_rewards where type = $1", freeReward));
        }
        (await boon.Api.Send(
            HttpMethod.Get, $"/v1/claims/{waits.Id}", null, members[0].Token, change: request => request.Headers.Add("Prefer", "wait=30")))[
            "state"].GetString().ShouldBe("granted");
        await Eventually.Holds(
            "the other reward", () =>
            boon.Scalar<bool>("select granted_at is not null from promotions.coupon_rewards where type = $1", heldReward));
    }

    [Fact]
    public async Task A_purge_passes_a_type_that_somebody_holds_says_so_and_purges_it_later()
    {
        var (held, free) = (await Type(), await Type());
        foreach (var type in (string[])[held, free])
            await Upload(type, 3, "a");
        await boon.Execute("update promotions.codes set expires_at = now() where type = any ($1)", (object)new[] { held, free });
        await using (await HoldAsync(held))
        {
            var purge = await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken());
            purge.Code.ShouldBe(200);
            purge["held"].EnumerateArray().Select(type => type.GetString()).ShouldBe([held]);
            ((await Counters(held)).Purged, (await Counters(free)).Purged).ShouldBe((0, 3));
        }
        (await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken()))["held"].GetArrayLength().ShouldBe(0);
        (await Counters(held)).Purged.ShouldBe(3);
    }

    /// <summary>
    /// One type has coupons and one has none; both are held while rewards of them come in, between rewards of a type that nobody holds.
    /// </summary>
    [Fact]
    public async Task Rewards_of_types_that_somebody_holds_are_granted_or_said_to_wait_later_and_delay_no_other()
    {
        var (held, soldOut, free) = (await Type(), await Type(), await Type());
        await Upload(held, 2, "a");
        await Upload(free, 3, "a");
        await using (await HoldAsync(held, soldOut))
        {
            await ClaimRewards(held, free, soldOut, free, held);
            await Eventually.Holds("the rewards", async () => await Granted(free) == 2);
            await ClaimRewards(free);
            await Eventually.Holds("the reward after them", async () => await Granted(free) == 3);
            (await Granted(held)).ShouldBe(0);
        }
        await Eventually.Holds("the other rewards", async () => await Granted(held) == 2);
        await Eventually.Holds("the reason", async () => await boon.Scalar<long>("""
            select count(*) from promotions.event_log
            where type = 'promotions.reward-delayed.v1' and payload->>'type' = $1 and payload->>'reason' = 'sold-out'
            """, soldOut) == 1);
        (await Counters(held)).ShouldBe((2, 0, 2, 0));
    }

    private Task<OpenTransaction> HoldAsync(params string[] types) =>
        OpenTransaction.BeginAsync(boon, "select from promotions.coupon_types where name = any ($1) for update", (object)types);

    private Task<long> Granted(string type) =>
        boon.Scalar<long>("select count(*) from promotions.coupon_rewards where type = $1 and granted_at is not null", type);

    /// <summary>Logs rewards of quests, one of each type, so that the lane reads them together.</summary>
    private Task<int> ClaimRewards(params string[] types) => boon.Execute("""
        insert into quests.event_log (id, aggregatetype, aggregateid, type, payload, userid)
        select gen_random_uuid(), 'quest', quest::text, 'quests.reward-claimed.v1',
            jsonb_build_object('questId', quest, 'userId', member, 'number', 1,
            'rewardId', quest, 'item', 'coupon:' || type, 'quantity', 1, 'automatic', true), member
        from unnest($1) type cross join lateral (select gen_random_uuid() as quest, gen_random_uuid() as member where type is not null) new
        """, (object)types);

    [Fact]
    public async Task Places_in_a_long_queue_are_told_by_tickets()
    {
        var type = await Type(
            new { perUser = (int?)null, pace = new { perSecond = 1, concurrency = 1, maxQueue = 3_000, maxWaitSeconds = 3600 } });
        await Upload(type, 5, "a");
        // 2,990 wait after the first ten, who left; the second's one grant is made, and the one place to work is taken.
        await boon.Execute("""
            insert into promotions.claims (id, type, user_id, nth, state, ticket, worker, started_at, working_until)
            select gen_random_uuid(), $1, gen_random_uuid(), -n, case when n = 11 then 'working' else 'queued' end, n,
                case when n = 11 then gen_random_uuid() end, case when n = 11 then now() end, case
                when n = 11 then now() + interval '1 hour' end
            from generate_series(11, 3000) n
            """, type);
        await boon.Execute("update promotions.coupon_types set last_ticket = 3000 where name = $1", type);
        var (_, token) = (await boon.SeedMembers(1))[0];
        var claim = await boon.Api.Post("/v1/claims", new { type }, token);
        (claim.Code, claim["position"].GetInt32()).ShouldBe((202, 2_991), "who is worked on counts as waiting");
        (await boon.Api.Get($"/v1/claims/{claim.Id}", token))["position"].GetInt32().ShouldBe(2_990);
        for (var more = 0; more < 9; more++)
            (await boon.Api.Post("/v1/claims", new { type }, token)).Code.ShouldBe(202);
        (await boon.Api.Post("/v1/claims", new { type }, token)).Problem.ShouldBe("queue-full");
        await boon.Execute("delete from promotions.claims where type = $1", type);
    }

    [Fact]
    public async Task A_worker_of_claims_keeps_no_request_as_its_own()
    {
        var type = await Type();
        await Upload(type, 2, "a");
        var (_, token) = (await boon.SeedMembers(1))[0];
        var traces = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity =>
            {
                if (activity.Source.Name == "Npgsql")
                    traces.Enqueue(activity.TraceId.ToHexString());
            },
        };
        ActivitySource.AddActivityListener(listener);
        var first = ActivityTraceId.CreateRandom().ToHexString();
        await Claim(first);
        traces.Clear();
        await Claim(ActivityTraceId.CreateRandom().ToHexString());
        traces.ShouldNotContain(first);

        async Task Claim(string trace) =>
            (await boon.Api.Send(HttpMethod.Post, "/v1/claims", System.Net.Http.Json.JsonContent.Create(new { type }), token,
            change: request => request.Headers.Add("traceparent", $"00-{trace}-0123456789abcdef-01"))).Code.ShouldBe(201);
    }
}
