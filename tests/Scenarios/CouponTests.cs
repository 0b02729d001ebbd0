using System.Text;
using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios;

public sealed class CouponTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static object Coupon(
        string code, string? type, int maxUses = 1, object? discount = null, string expiresAt = "2090-01-01T00:00:00Z") =>
        new { code, type, discount = discount ?? new { kind = "percent", value = 10 }, expiresAt, maxUses };

    private async Task<string> Type(object? rules = null)
    {
        var name = "T-" + Guid.CreateVersion7().ToString("N");
        (await boon.Api.Put($"/v1/coupon-types/{name}", rules ?? new { perUser = 1 }, await boon.OperatorToken())).Code.ShouldBe(201);
        return name;
    }

    private async Task<Answer> Upload(params object[] coupons) =>
        await boon.Api.Post("/v1/coupons", new { coupons }, await boon.OperatorToken());

    private async Task<CouponType> Counters(string type) =>
        (await boon.Api.All<CouponType>("/v1/coupon-types", await boon.OperatorToken())).First(view => view.Name == type);

    private static (long Uploaded, long Available, long Claimed, long Redeemed, long Purged) Read(CouponType view) =>
        (view.Uploaded, view.Available, view.Claimed, view.Redeemed, view.Purged);

    private static (int Row, string? Field)[] Faults(Answer answer) =>
        [.. answer.Faults.Select(fault => (fault.Row, fault.Field))];

    [Fact]
    public async Task Coupons_go_out_in_upload_order_once_for_each_user_until_they_are_sold_out()
    {
        var type = await Type();
        (await Upload(Coupon(type + "-a", type), Coupon(type + "-b", type)))["uploaded"].GetInt32().ShouldBe(2);
        var members = await boon.SeedMembers(3);
        var first = await boon.Api.Post("/v1/claims", new { type }, members[0].Token);
        (first.Code, first["state"].GetString(), first.As<Claim>().Coupon!.Code).ShouldBe((201, "granted", type + "-a"));
        var again = await boon.Api.Post("/v1/claims", new { type }, members[0].Token);
        (again.Code, again.Id).ShouldBe((200, first.Id));
        (await boon.Api.Post("/v1/claims", new { type }, members[1].Token)).As<Claim>().Coupon!.Code.ShouldBe(type + "-b");
        var late = await boon.Api.Post("/v1/claims", new { type }, members[2].Token);
        (late.Code, late.Problem).ShouldBe((409, "sold-out"));
        (await boon.Api.Post("/v1/claims", new { type }, members[1].Token)).Code.ShouldBe(200, "an existing claim comes before sold-out");

        (await boon.Api.Get($"/v1/claims/{first.Id}", members[0].Token))["state"].GetString().ShouldBe("granted");
        (await boon.Api.Get($"/v1/claims/{first.Id}", members[1].Token)).Code.ShouldBe(404);
        (await boon.Api.All<HeldCoupon>("/v1/coupons", members[0].Token)).Single().State.ShouldBe("active");
        Read(await Counters(type)).ShouldBe((2, 0, 2, 0, 0));
        var refused = await boon.Api.All<Event>($"/v1/events?module=promotions&userId={members[2].Id}", await boon.OperatorToken());
        refused.Single()["reason"].GetString().ShouldBe("sold-out");
    }

    [Fact]
    public async Task A_type_without_a_limit_gives_a_user_as_many_as_there_are()
    {
        var type = await Type(new { perUser = (int?)null });
        await Upload(Coupon(type + "-a", type), Coupon(type + "-b", type));
        var (_, token) = (await boon.SeedMembers(1))[0];
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => boon.Api.Post("/v1/claims", new { type }, token)));
        answers.Select(answer => answer.Code).Order().ShouldBe([201, 201, 409]);
        (await boon.Api.All<HeldCoupon>("/v1/coupons", token)).Select(coupon => coupon.Code).Order().ShouldBe([type + "-a", type + "-b"]);
    }

    [Fact]
    public async Task A_claim_with_an_idempotency_key_gives_the_same_answer_again()
    {
        var type = await Type(new { perUser = (int?)null });
        await Upload(Coupon(type + "-a", type), Coupon(type + "-b", type));
        var (_, token) = (await boon.SeedMembers(1))[0];
        var first = await boon.Api.Post("/v1/claims", new { type }, token, key: "one");
        var again = await boon.Api.Post("/v1/claims", new { type }, token, key: "one");
        (first.Code, again.Code, again.Id).ShouldBe((201, 201, first.Id));
        again.Headers.GetValues("Idempotent-Replayed").ShouldBe(["true"]);
        Read(await Counters(type)).Claimed.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_of_a_claim_is_for_one_body_and_keeps_the_answers_that_stay()
    {
        var (type, other) = (await Type(), await Type());
        await Upload(Coupon(type + "-a", type), Coupon(other + "-a", other));
        var members = await boon.SeedMembers(2);
        var first = await boon.Api.Post("/v1/claims", new { type }, members[0].Token, key: "k");
        (first.Code, first.Headers.Location?.ToString()).ShouldBe((201, $"/v1/claims/{first.Id}"));
        foreach (var body in (object[])[new { type = other }, new { type = "NO-SUCH" }, new { type = new string('x', 99) }])
            (await boon.Api.Post("/v1/claims", body, members[0].Token, key: "k")).Problem.ShouldBe("idempotency-mismatch");
        var own = await boon.Api.Post("/v1/claims", new { type }, members[0].Token, key: "l");
        (own.Code, own.Id, (await boon.Api.Post("/v1/claims", new { type }, members[0].Token, key: "l")).Code)
            .ShouldBe((200, first.Id, 200));
        // Another caller's key is another key; a refusal that is logged is an answer.
        var soldOut = await boon.Api.Post("/v1/claims", new { type }, members[1].Token, key: "k");
        (soldOut.Code, soldOut.Problem).ShouldBe((409, "sold-out"));
        await Upload(Coupon(type + "-b", type));
        var again = await boon.Api.Post("/v1/claims", new { type }, members[1].Token, key: "k");
        (again.Problem, again.Text, again.Headers.Contains("Idempotent-Replayed")).ShouldBe(("sold-out", soldOut.Text, true));
        (await boon.Api.Post("/v1/claims", new { type }, members[1].Token, key: "m")).Code.ShouldBe(201);
        // An answer that is not kept leaves the key free.
        var later = "T-" + Guid.CreateVersion7().ToString("N");
        (await boon.Api.Post("/v1/claims", new { type = later }, members[0].Token, key: "n")).Problem.ShouldBe("type-unknown");
        (await boon.Api.Put($"/v1/coupon-types/{later}", new { }, await boon.OperatorToken())).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/claims", new { type = later }, members[0].Token, key: "n")).Problem.ShouldBe("sold-out");
    }

    [Fact]
    public async Task A_key_that_is_in_flight_in_another_process_refuses_its_claim_and_no_other()
    {
        var (held, type) = (await Type(), await Type());
        await Upload([Coupon(held + "-a", held), .. Enumerable.Range(0, 5).Select(i => Coupon($"{type}-{i}", type))]);
        var members = await boon.SeedMembers(5);
        await using var beside = await boon.StartBesideAsync();
        Task<Answer> first;
        await using (await OpenTransaction.BeginAsync(boon, "select from promotions.coupon_types where name = $1 for update", held))
        {
            first = beside.Api.Post("/v1/claims", new { type = held }, members[0].Token, key: "k");
            await Eventually.Holds("a claim that waits", () => boon.Scalar<bool>("select exists (select from pg_stat_activity where "
                + "datname = current_database() and wait_event_type = 'Lock' and query like '%promotions.coupon_types%')"));
            var answers = await Task.WhenAll(members.Select(member => boon.Api.Post("/v1/claims", new { type }, member.Token, key: "k")));
            answers.Select(answer => answer.Code).ShouldBe([409, 201, 201, 201, 201]);
            answers[0].Problem.ShouldBe("idempotency-in-flight");
        }
        (await first).Code.ShouldBe(201);
    }

    [Fact]
    public async Task An_expired_coupon_is_never_handed_out_and_is_purged()
    {
        var type = await Type();
        await Upload(Coupon(type + "-a", type), Coupon(type + "-b", type), Coupon(type + "-c", type), Coupon(type + "-d", type));
        await boon.Execute("update promotions.codes set expires_at = now() where code = $1", type + "-a");
        var (_, token) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/claims", new { type }, token)).As<Claim>().Coupon!.Code.ShouldBe(type + "-b");
        Read(await Counters(type)).ShouldBe((4, 2, 1, 0, 1), "the cursor purges what it passes");
        await boon.Execute("update promotions.codes set expires_at = now() where code = $1", type + "-d");
        (await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken()))["purged"].GetInt64().ShouldBeGreaterThanOrEqualTo(1);
        Read(await Counters(type)).ShouldBe((4, 1, 1, 0, 2));
        // A purged code stays taken, and what was claimed keeps its history.
        Faults(await Upload(Coupon(type + "-d", type))).ShouldBe([(1, "code")]);
        await boon.Execute("update promotions.codes set expires_at = now() where code = $1", type + "-b");
        await boon.Api.Post("/v1/coupons/purge", null, await boon.OperatorToken());
        (await boon.Api.All<HeldCoupon>("/v1/coupons", token)).Single().State.ShouldBe("expired");
        (await boon.Scalar<long>("select sum((l.payload->>'count')::bigint)::bigint from promotions.event_log l where l.type = "
            + "'promotions.coupons-purged.v1' and l.payload->>'type' = $1", type)).ShouldBe(2);
    }

    [Fact]
    public async Task A_coupon_is_redeemed_by_who_claimed_it_and_the_counters_are_those_of_the_rows()
    {
        var type = await Type();
        await Upload(Coupon(type + "-a", type, maxUses: 2, discount: new { kind = "fixed", value = 500, currency = "USD" }));
        var members = await boon.SeedMembers(2);
        var purchase = new { code = type + "-a", amount = 2000, currency = "USD" };
        (await boon.Api.Post("/v1/redemptions", purchase, members[0].Token)).Problem.ShouldBe("code-invalid", "it is nobody's yet");
        await boon.Api.Post("/v1/claims", new { type }, members[0].Token);
        (await boon.Api.Post("/v1/redemptions/preview", purchase, members[0].Token))["discount"].GetInt64().ShouldBe(500);
        (await boon.Api.Post("/v1/redemptions", purchase, members[1].Token)).Problem.ShouldBe("code-invalid");
        (await boon.Api.Post(
            "/v1/redemptions", new { code = type + "-a", amount = 2000, currency = "EUR" }, members[0].Token)).Problem
                .ShouldBe("currency-mismatch");
        var redeemed = await boon.Api.Post("/v1/redemptions", purchase, members[0].Token);
        redeemed["total"].GetInt64().ShouldBe(1500);
        (await boon.Api.Post("/v1/redemptions", purchase, members[0].Token)).Code.ShouldBe(201);
        (await boon.Api.Post("/v1/redemptions", purchase, members[0].Token)).Problem.ShouldBe("code-exhausted");
        Read(await Counters(type)).ShouldBe((1, 0, 1, 2, 0));
        (await boon.Api.Delete($"/v1/redemptions/{redeemed.Id}", await boon.OperatorToken())).Code.ShouldBe(204);
        Read(await Counters(type)).ShouldBe((1, 0, 1, 1, 0));
        (await boon.Api.All<HeldCoupon>("/v1/coupons", members[0].Token)).Single().Uses.ShouldBe(1);
    }

    [Fact]
    public async Task A_CSV_in_any_order_with_a_BOM_is_uploaded()
    {
        var type = await Type();
        var csv = Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(
            $"expiresAt,code,discountValue,discountKind,type\r\n2090-01-01T00:00:00+02:00,\"{type},é\",30,percent,{type}\r\n"
            + $"2090-01-01T00:00:00Z,{type}-2,20,percent,{type}\r\n")).ToArray();
        var answer = await boon.Api.Raw(HttpMethod.Post, "/v1/coupons", csv, "text/csv; charset=utf-8", await boon.OperatorToken());
        (answer.Code, answer["uploaded"].GetInt32()).ShouldBe((201, 2));
        var (_, token) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/claims", new { type }, token)).As<Claim>().Coupon!.Code.ShouldBe($"{type},é");
    }

    [Theory]
    [InlineData("code,discountKind,discountValue\nA,percent,1\n", 0, "expiresAt")]
    [InlineData("code,discountKind,discountValue,expiresAt,colour\nA,percent,1,2090-01-01T00:00:00Z,red\n", 0, "colour")]
    [InlineData("code,discountKind,discountValue,expiresAt\nA,percent,ten,2090-01-01T00:00:00Z\n", 1, "discount.value")]
    [InlineData("code,discountKind,discountValue,expiresAt\nA,percent,10,tomorrow\n", 1, "expiresAt")]
    [InlineData("code,discountKind,discountValue,expiresAt\nA,percent,10\n", 1, null)]
    [InlineData("code,discountKind,discountValue,expiresAt\n", 0, null)]
    [InlineData("code,discountKind,discountValue,expiresAt\n\"A,percent,10,2090-01-01T00:00:00Z\n", 1, null)]
    [InlineData("", 0, "code")]
    public async Task A_faulty_CSV_is_refused_with_its_row(string csv, int row, string? field)
    {
        var answer = await boon.Api.Raw(
            HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(csv), "text/csv", await boon.OperatorToken());
        (answer.Code, answer.Problem).ShouldBe((422, "upload-refused"));
        Faults(answer)[0].ShouldBe((row, field));
    }

    [Fact]
    public async Task Fifty_thousand_rows_are_one_upload_and_one_more_is_too_many()
    {
        var type = await Type();
        var rows = new StringBuilder("code,type,discountKind,discountValue,currency,expiresAt,maxUses\n");
        for (var i = 0; i < 50_000; i++)
            rows.Append($"{type}-{i},{type},fixed,500,USD,2090-01-01T00:00:00Z,1\n");
        var token = await boon.OperatorToken();
        var all = await boon.Api.Raw(HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(rows.ToString()), "text/csv", token);
        (all.Code, all["uploaded"].GetInt32()).ShouldBe((201, 50_000));
        (await boon.Scalar<long>("select count(*) from promotions.codes where type = $1", type)).ShouldBe(50_000);
        rows.Replace(type + "-", type + "+").Append($"{type}+more,{type},fixed,500,USD,2090-01-01T00:00:00Z,1\n");
        var more = await boon.Api.Raw(HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(rows.ToString()), "text/csv", token);
        (more.Code, more.Problem).ShouldBe((413, "too-many-coupons"));
        Read(await Counters(type)).ShouldBe((50_000, 50_000, 0, 0, 0));
    }

    [Fact]
    public async Task A_paced_claim_is_queued_told_its_place_and_granted_to_who_waits()
    {
        var type = await Type(new { perUser = 1, pace = new { perSecond = 2, concurrency = 1, maxQueue = 3, maxWaitSeconds = 600 } });
        await Upload([.. Enumerable.Range(0, 3).Select(i => Coupon($"{type}-{i}", type))]);
        var members = await boon.SeedMembers(4);
        var queued = new List<Answer>();
        foreach (var (_, token) in members.Take(3))
            queued.Add(await boon.Api.Post("/v1/claims", new { type }, token));
        queued.ShouldAllBe(answer => answer.Code == 202);
        queued[0].Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        var waited = await Task.WhenAll(
            queued.Zip(members)
            .Select(pair =>
            boon.Api.Send(
                HttpMethod.Get, $"/v1/claims/{pair.First.Id}", null, pair.Second.Token, change: request =>
                request.Headers.Add("Prefer", "wait=30"))));
        waited.Select(answer => answer["state"].GetString()).ShouldBe(["granted", "granted", "granted"]);
        waited.Select(answer => answer.As<Claim>().Coupon!.Code).ShouldBeUnique();
        (await boon.Api.Post("/v1/claims", new { type }, members[3].Token)).Problem.ShouldBe("sold-out", "an empty pool refuses at once");
        (await boon.Api.Post("/v1/claims", new { type }, members[0].Token)).Code.ShouldBe(200);
        var grants = await boon.Scalar<DateTime[]>(
            "select array_agg(settled_at order by settled_at) from promotions.claims where type = $1", type);
        (grants[2] - grants[0]).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_stops_a_paced_type_for_a_second_and_no_longer()
    {
        var type = await Type(new { perUser = 1, pace = new { perSecond = 1, concurrency = 1, maxQueue = 5, maxWaitSeconds = 600 } });
        await Upload(Coupon($"{type}-a", type));
        // As if an hour's grant and claim had been made by a clock that is an hour ahead.
        await boon.Execute("update promotions.coupon_types set recent_grants = array[now() + interval '1 hour'] where name = $1", type);
        var (_, token) = (await boon.SeedMembers(1))[0];
        var claim = await boon.Api.Post("/v1/claims", new { type }, token);
        await boon.Execute("update promotions.claims set created_at = now() + interval '1 hour' where id = $1 and state = 'queued'",
            claim.Id);
        var waited = await boon.Api.Send(
            HttpMethod.Get, $"/v1/claims/{claim.Id}", null, token, change: request => request.Headers.Add("Prefer", "wait=30"));
        waited["state"].GetString().ShouldBe("granted");
        (await boon.Scalar<bool>("select created_at <= now() from promotions.claims where id = $1", claim.Id)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_full_queue_refuses_each_time_also_with_a_key_and_a_timed_out_claim_can_be_made_again()
    {
        var type = await Type(new { perUser = 1, pace = new { perSecond = 1, concurrency = 1, maxQueue = 2, maxWaitSeconds = 3600 } });
        await Upload([.. Enumerable.Range(0, 5).Select(i => Coupon($"{type}-{i}", type))]);
        // The one place to work is taken, for as long as the test wants: whoever comes now waits.
        await boon.Execute("""
            insert into promotions.claims (id, type, user_id, nth, state, ticket, worker, started_at, working_until)
            values (gen_random_uuid(), $1, gen_random_uuid(), -1, 'working', 0, gen_random_uuid(), now(), now() + interval '1 hour')
            """, type);
        var members = await boon.SeedMembers(2);
        // The first in the queue is worked on: those who left it are behind the work.
        Task TimeOut() => boon.Execute(
            "update promotions.claims set created_at = now() - interval '2 hours' where type = $1 and state = 'queued'", type);
        async Task Front()
        {
            await Eventually.Holds(
                "the refusal", async () => !await boon.Scalar<bool>(
                    "select exists (select from promotions.claims where type = $1 and state = 'queued')", type));
            await boon.Execute("update promotions.claims c set ticket = t.last_ticket from promotions.coupon_types t where t.name = $1 and "
                + "c.type = $1 and c.state = 'working'", type);
        }
        Task<Answer> Claim(int member, string? key = null) => boon.Api.Post("/v1/claims", new { type }, members[member].Token, key);
        var waits = await Claim(0);
        waits.Code.ShouldBe(202);
        for (var time = 0; time < 2; time++)
        {
            var full = await Claim(1, "again");
            (full.Code, full.Problem).ShouldBe((429, "queue-full"));
            full.Headers.RetryAfter.ShouldNotBeNull();
        }
        (await boon.Api.All<Event>($"/v1/events?module=promotions&userId={members[1].Id}", await boon.OperatorToken()))
            .Count(e => e.Data.TryGetProperty("reason", out var reason) && reason.GetString() == "queue-full")
            .ShouldBeGreaterThanOrEqualTo(1);

        await TimeOut();
        var refused = await boon.Api.Get($"/v1/claims/{waits.Id}", members[0].Token);
        (refused["state"].GetString(), refused["reason"].GetString()).ShouldBe(("refused", "timed-out"));
        await Front();
        await Eventually.Holds("a place", async () => (await Claim(1, "again")).Code == 202);
        await TimeOut();
        await Front();
        await Eventually.Holds("a new claim", async () => await Claim(0) is { Code: 202 } claim && claim.Id != waits.Id);
    }

    [Theory]
    [InlineData("\uFFFE")]
    [InlineData("a\u0007")]
    public async Task A_code_that_cannot_be_compared_is_the_fault_of_its_row(string code) =>
        Faults(await Upload(Coupon("fine-" + Guid.CreateVersion7(), null), Coupon(code, null))).ShouldBe([(2, "code")]);

    [Theory]
    [InlineData("""{"coupons":[{"code":"A","discount":{"kind":"percent","value":1},"expiresAt":"2090-01-01t00:00:00.123456789z"},"""
        + """{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}}}}}}}}}}}]"""
        + """}""", 422, 2, "a")]
    [InlineData("""{"coupons":[5]}""", 422, 1, null)]
    [InlineData("""{"coupons":[]}""", 422, 0, null)]
    [InlineData("""{"coupons":[{"code":"A","code":"B"}]}""", 422, 1, "code")]
    [InlineData("""{"coupons":[{"code":"A","discount":{"kind":"percent","value":1.5}}]}""", 422, 1, "discount.value")]
    [InlineData("""{"coupons":[{"code":null,"discount":{"kind":"percent","value":1},"expiresAt":"2090-01-01T00:00:00Z"}]}""", 422, 1,
        "code")]
    public async Task A_faulty_JSON_row_is_refused_with_its_number(string body, int status, int row, string? field)
    {
        var answer = await boon.Api.Raw(HttpMethod.Post, "/v1/coupons", body, await boon.OperatorToken());
        answer.Code.ShouldBe(status, answer.Text);
        Faults(answer)[0].ShouldBe((row, field));
    }

    [Fact]
    public async Task Types_are_listed_with_their_rules_and_bad_rules_are_refused()
    {
        var token = await boon.OperatorToken();
        var types = (await boon.Api.All<CouponType>("/v1/coupon-types", token)).ToDictionary(type => type.Name ?? "");
        types["MEGADEAL"].Pace.ShouldBe(new Pace(PerSecond: 10, Concurrency: 5, MaxQueue: 100, MaxWaitSeconds: 10));
        foreach (var name in (string[])["", "STANDARD", "FREE"])
            (types[name].PerUser, types[name].Pace).ShouldBe((1, null));
        (await boon.Api.Put("/v1/coupon-types/X", new { perUser = 2 }, token)).Code.ShouldBe(400);
        (await boon.Api.Put("/v1/coupon-types/X", new { perUser = 1, pace = new { perSecond = 0, concurrency = 5, maxQueue = 100 } },
            token)).Code.ShouldBe(400);
        (await boon.Api.Put("/v1/coupon-types/X", new { perUser = 1 }, (await boon.SeedMembers(1))[0].Token)).Code.ShouldBe(403);
        (await boon.Api.Post("/v1/claims", new { type = "NO-SUCH" }, token)).Problem.ShouldBe("type-unknown");
        (await boon.Api.Post("/v1/claims", new { type = "STANDARD" })).Code.ShouldBe(401);
    }

    [Fact]
    public async Task The_counters_are_those_of_the_rows_when_they_are_folded_too()
    {
        var type = await Type(new { perUser = (int?)null });
        await Upload([.. Enumerable.Range(0, 50).Select(i => Coupon($"{type}-{i}", type))]);
        var (_, token) = (await boon.SeedMembers(1))[0];
        await boon.Execute("insert into promotions.coupon_counts (type, claimed) select $1, n from generate_series(-1000, 1000) n", type);
        var counts = (Promotions.CouponTypes.CouponCounts)boon.Services.GetService(typeof(Promotions.CouponTypes.CouponCounts))!;
        var folding = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => counts.FoldAsync(CancellationToken.None)));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => boon.Api.Post("/v1/claims", new { type }, token)));
        await folding;
        Read(await Counters(type)).ShouldBe((50, 30, 20, 0, 0));
        (await boon.Scalar<long>("select count(*) from promotions.coupon_counts where type = $1", type)).ShouldBeLessThan(100);
    }

    [Fact]
    public async Task A_code_is_found_without_the_white_space_at_its_ends_and_a_folded_one_as_people_type_it()
    {
        var type = await Type(new { perUser = (int?)null });
        var id = Guid.CreateVersion7().ToString("N").Replace("0", "x", StringComparison.Ordinal);
        object Row(string code, string? match) =>
            new { code, type, discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z", match };
        (await Upload(Row($" Exact-{id} ", null), Row($"Lot-{id}", "folded"), Row($"LOT{id}", "exact"))).Code.ShouldBe(201);
        Faults(await Upload(Row($"l0t{id}", "folded"))).ShouldBe([(1, "code")]);
        Faults(await Upload(Row("a" + id, "folded"), Row("A" + id, "folded"), Row("-", "folded"), Row("b", "near")))
            .ShouldBe([(2, "code"), (3, "code"), (4, "match")]);
        var csv = $"code,match,type,discountKind,discountValue,expiresAt\nCsv-{id},folded,{type},percent,10,2090-01-01T00:00:00Z\n";
        (await boon.Api.Raw(HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(csv), "text/csv", await boon.OperatorToken(
            ))).Code.ShouldBe(201);
        var members = await boon.SeedMembers(2);
        for (var i = 0; i < 4; i++)
            (await boon.Api.Post("/v1/claims", new { type }, members[0].Token)).Code.ShouldBe(201);
        (await boon.Api.All<HeldCoupon>("/v1/coupons", members[0].Token)).Select(coupon => coupon.Code)
            .ShouldBe([$"Csv-{id}", $"LOT{id}", $"Lot-{id}", $"Exact-{id}"]);
        foreach (var (typed, code) in ((string, string)[])[
            ($"\tExact-{id}\n", $"Exact-{id}"), ($" l0t {id.ToUpperInvariant()}", $"Lot-{id}"), ($"LOT{id}", $"LOT{id}"),
            ($"csv{id}", $"Csv-{id}")])
        {
            var purchase = new { code = typed, amount = 100, currency = "USD" };
            (await boon.Api.Post("/v1/redemptions/preview", purchase, members[0].Token))["valid"].GetBoolean().ShouldBeTrue(typed);
            (await boon.Api.Post("/v1/redemptions", purchase, members[1].Token)).Problem.ShouldBe("code-invalid");
            (await boon.Api.Post("/v1/redemptions", purchase, members[0].Token))["code"].GetString().ShouldBe(code);
        }
        (await boon.Api.Post(
            "/v1/redemptions", new { code = $"exact-{id}", amount = 100, currency = "USD" }, members[0].Token)).Problem
                .ShouldBe("code-invalid", "it is found as it was written");
    }

    [Fact]
    public async Task Times_to_the_end_of_the_year_9999_are_times_and_unknown_currencies_are_none()
    {
        var type = await Type();
        (await Upload(Coupon(type + "-a", type, expiresAt: "9999-12-31T23:59:59Z"))).Code.ShouldBe(201);
        var (_, token) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/claims", new { type }, token)).As<Claim>().Coupon!.ExpiresAt
            .ShouldBe(new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero));
        var early = await Upload(Coupon(type + "-b", type, expiresAt: "0001-01-01T00:00:00Z"));
        early.Faults[0].Reason.ShouldBe("must be a time of the years 2 to 9999");
        foreach (var currency in (string[])["ZZZ", "UDS", "usd", "XXX", "US"])
            Faults(await Upload(Coupon(type + "-c", type, discount: new { kind = "fixed", value = 5, currency })))
                .ShouldBe([(1, "discount.currency")]);
        var order = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 100, currency = "UDS" } }, token);
        (order.Code, order.Errors["total.currency"][0]).ShouldBe((400, "must be an ISO 4217 code, such as USD"));
    }

    [Fact]
    public async Task The_faults_of_an_upload_are_few_and_short()
    {
        var header = "code,discountKind,discountValue,expiresAt" + new string(',', 65_000);
        var csv = await boon.Api.Raw(
            HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(header + "\nA\n"), "text/csv", await boon.OperatorToken());
        (csv.Problem, csv.Text.Length < 1_000).ShouldBe(("upload-refused", true), csv.Text.Length.ToString());
        var columns = await boon.Api.Raw(
            HttpMethod.Post, "/v1/coupons", Encoding.UTF8.GetBytes(
                "code," + string.Join(',', Enumerable.Range(0, 90).Select(_ => new string('x', 700))) + "\n"), "text/csv",
            await boon.OperatorToken());
        columns["errors"].GetArrayLength().ShouldBeLessThanOrEqualTo(100);
        columns.Text.Length.ShouldBeLessThan(30_000);
        var json = await boon.Api.Raw(
            HttpMethod.Post, "/v1/coupons", $$"""{"coupons":[{"{{new string('x', 100_000)}}":1}]}""", await boon.OperatorToken());
        (json.Problem, json.Text.Length < 1_000).ShouldBe(("upload-refused", true));
    }

    [Fact]
    public async Task Uploads_beyond_a_few_at_once_are_asked_to_come_again()
    {
        var type = await Type();
        var token = await boon.OperatorToken();
        // An upload that waits for its turn keeps its place.
        List<Task<Answer>> waiting;
        await using (await OpenTransaction.BeginAsync(boon, "select from promotions.upload_turn for update"))
        {
            waiting = [.. Enumerable.Range(0, 30).Select(i => Upload(Coupon($"{type}-{i}", type)))];
            var refused = new List<Answer>();
            while (refused.Count < 26)
            {
                var answered = await Task.WhenAny(waiting);
                waiting.Remove(answered);
                refused.Add(await answered);
            }
            refused.ShouldAllBe(answer => answer.Code == 429 && answer.Problem == "too-many-uploads" && answer.Headers.RetryAfter != null);
        }
        (await Task.WhenAll(waiting)).ShouldAllBe(answer => answer.Code == 201);
        (await boon.Api.Post("/v1/coupons", new { coupons = new[] { Coupon(type + "-more", type) } }, token)).Code.ShouldBe(201);
    }
}
