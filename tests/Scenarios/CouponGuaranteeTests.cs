using Boon.Promotions;
using Boon.Support;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>What must hold of coupons in one process, each shown with its defence and, failing, without it.</summary>
[Collection("Defences")]
public sealed class CouponGuaranteeTests
{
    private const int Connections = 64;

    private static async Task Upload(TestBoon boon, int count, int maxUses) => (await boon.Api.Post("/v1/coupons", new
    {
        coupons = Enumerable.Range(0, count)
            .Select(i =>
            new { code = $"C-{i}", type = "STANDARD", discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
            maxUses }),
    }, await boon.OperatorToken())).Code.ShouldBe(201);

    [Theory]
    [Defended(nameof(PromotionsDefences.ExactUses))]
    public Task Two_hundred_redemptions_of_ten_uses_are_ten(DefendedRun run) => Show(run, async boon =>
    {
        await Upload(boon, 1, maxUses: 10);
        var (_, token) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/claims", new { type = "STANDARD" }, token)).Code.ShouldBe(201);
        using var limit = new SemaphoreSlim(Connections);
        Task<Answer[]> redeeming;
        // Two have begun before the first of them can end: without the lock both read that no use is taken.
        await using (await OpenTransaction.BeginAsync(boon, "select from promotions.codes for update"))
        {
            redeeming = Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
            {
                await limit.WaitAsync();
                try
                {
                    return await boon.Api.Post("/v1/redemptions", new { code = "C-0", amount = 1000, currency = "USD" }, token);
                }
                finally
                {
                    limit.Release();
                }
            }));
            await Eventually.Holds("two to wait", () => boon.Scalar<bool>("select count(*) > 1 from pg_stat_activity where "
                + "datname = current_database() and wait_event_type = 'Lock' and query like '%promotions.codes%'"));
        }
        var answers = await redeeming;
        answers.Count(answer => answer.Code == 201).ShouldBe(10);
        answers.Where(answer => answer.Code != 201).ShouldAllBe(answer => answer.Problem == "code-exhausted");
        (await boon.Scalar<long>("select count(*) from promotions.redemptions")).ShouldBe(10);
    });

    [Theory]
    [Defended(nameof(PromotionsDefences.OncePerUser))]
    public Task Fifty_parallel_claims_of_one_user_give_one_coupon(DefendedRun run) => Show(run, async boon =>
    {
        await Upload(boon, 50, maxUses: 1);
        var (_, token) = (await boon.SeedMembers(1))[0];
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => boon.Api.Post("/v1/claims", new { type = "STANDARD" }, token)));
        answers.Count(answer => answer.Code == 201).ShouldBe(1);
        answers.Select(answer => answer.As<Claim>().Coupon!.Code).Distinct().Count().ShouldBe(1);
        (await boon.Scalar<long>("select count(*) from promotions.claims")).ShouldBe(1);
    });

    [Theory]
    [Defended(nameof(PromotionsDefences.CoalescedKeys))]
    public Task Keyed_claims_that_wait_for_a_hot_type_leave_the_connections_to_others(DefendedRun run) => Show(run, async boon =>
    {
        const int claims = 120;
        await Upload(boon, claims, maxUses: 1);
        await boon.CreateCampaign();
        var (_, username, password) = await boon.Register();
        var members = await boon.SeedMembers(claims);
        var operators = await boon.OperatorToken();
        List<Task<Answer>> waiting;
        await using (await OpenTransaction.BeginAsync(boon, "select from promotions.coupon_types where name = 'STANDARD' for update"))
        {
            Task<Answer> Claim((Guid Id, string Token) member) =>
                boon.Api.Post("/v1/claims", new { type = "STANDARD" }, member.Token, key: "drop");
            waiting = [Claim(members[0])];
            await Eventually.Holds("the first to wait", () => boon.Scalar<bool>("select exists (select from pg_stat_activity where datname "
                + "= current_database() and wait_event_type = 'Lock' and query like '%promotions.coupon_types%')"));
            waiting.AddRange(members.Skip(1).Select(Claim));
            for (var look = 0; look < 30; look++)
                (await boon.Api.Get("/v1/coupon-types", operators)).Code.ShouldBe(200);
            var token = await boon.Api.SignIn(username, password);
            await Eventually.Holds("the voucher", async () => (await boon.Api.All("/v1/vouchers", token)).Count == 1);
            waiting.ShouldAllBe(claim => !claim.IsCompleted);
            (await boon.Api.Post("/v1/claims", new { type = "STANDARD" }, members[0].Token, key: "drop")).Problem
                .ShouldBe("idempotency-in-flight");
        }
        var answers = await Task.WhenAll(waiting);
        answers.ShouldAllBe(answer => answer.Code == 201);
        answers.Select(answer => answer.As<Claim>().Coupon!.Code).ShouldBeUnique();
        foreach (var (member, answer) in members.Zip(answers).Take(5))
            (await boon.Api.Post("/v1/claims", new { type = "STANDARD" }, member.Token, key: "drop")).Text.ShouldBe(answer.Text);
        (await boon.Scalar<long>("select count(*) from promotions.claims")).ShouldBe(claims);
    });

    [Fact]
    public async Task A_claim_of_a_key_that_waits_for_something_else_is_not_taken_for_one_in_flight()
    {
        await using var boon = await TestBoon.StartAsync();
        await Upload(boon, 1, maxUses: 1);
        var (_, token) = (await boon.SeedMembers(1))[0];
        Task<Answer> waiting;
        // Nobody has the key; its row waits as it would for the table to grow on a slow disk.
        await using (await OpenTransaction.BeginAsync(boon, "lock table promotions.idempotency_keys in share mode"))
        {
            waiting = boon.Api.Post("/v1/claims", new { type = "STANDARD" }, token, key: "k");
            await boon.WaitsForLock("insert into promotions.idempotency_keys");
        }
        (await waiting).Code.ShouldBe(201);
    }

    [Fact]
    public async Task A_batch_of_claims_holds_no_more_keys_than_its_share_of_the_servers_locks()
    {
        await using var boon = await TestBoon.StartAsync();
        const int claims = 100;
        await Upload(boon, claims + 1, maxUses: 1);
        var members = await boon.SeedMembers(claims + 1);
        Task<Answer> Claim((Guid Id, string Token) member) =>
            boon.Api.Post("/v1/claims", new { type = "STANDARD" }, member.Token, key: "drop");
        const string type = "select from promotions.coupon_types where name = 'STANDARD' for update";
        Task<OpenTransaction> next;
        List<Task<Answer>> waiting;
        await using (await OpenTransaction.BeginAsync(boon, type))
        {
            waiting = [Claim(members[0])];
            await boon.WaitsForLock("select per_user, per_second");
            // The others queue up behind the first, and we behind it for the type.
            waiting.AddRange(members.Skip(1).Select(Claim));
            await Eventually.Holds("the requests", async () => (await boon.Api.Get("/metrics")).Text.Split('\n')
                .Any(line => line.StartsWith("http_server_active_requests{", StringComparison.Ordinal)
                    && line.Contains("POST", StringComparison.Ordinal)
                    && double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture) > claims));
            next = OpenTransaction.BeginAsync(boon, type);
            await boon.WaitsForLock(type);
        }
        await using (await next)
        {
            await boon.WaitsForLock("select per_user, per_second");
            (await boon.Scalar<long>("""
                select max(keys) from (
                    select count(*) as keys from pg_locks
                    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
                    group by pid
                ) held
                """)).ShouldBe(Boon.Platform.Units.IdempotencyKeys.MostInTransaction);
        }
        (await Task.WhenAll(waiting)).ShouldAllBe(answer => answer.Code == 201);
    }

    [Theory]
    [Defended(nameof(PromotionsDefences.AllOrNothing))]
    public Task An_upload_with_a_bad_row_stores_nothing(DefendedRun run) => Show(run, async boon =>
    {
        await Upload(boon, 1, maxUses: 1);
        var token = await boon.OperatorToken();
        static object Row(string code, int percent = 10, string expiresAt = "2090-01-01T00:00:00Z", string type = "STANDARD") =>
            new { code, type, discount = new { kind = "percent", value = percent }, expiresAt, maxUses = 1 };
        foreach (var (bad, row, field) in ((object[], int, string)[])
        [
            ([Row("A"), Row("B"), Row("A")], 3, "code"),
            ([Row("A"), Row("C-0")], 2, "code"),
            ([Row("A"), Row("B", expiresAt: "2020-01-01T00:00:00Z")], 2, "expiresAt"),
            ([Row("A"), Row("B", percent: 200)], 2, "discount.value"),
            ([Row("A"), Row("")], 2, "code"),
            ([Row("A"), Row("B", type: "NO-SUCH")], 2, "type"),
            ([Row("A"), new { code = 5 }], 2, "code"),
            ([Row("A"), new { code = "B", colour = "red" }], 2, "colour"),
        ])
        {
            var answer = await boon.Api.Post("/v1/coupons", new { coupons = bad }, token);
            (answer.Code, answer.Problem).ShouldBe((422, "upload-refused"));
            (answer.Faults[0].Row, answer.Faults[0].Field).ShouldBe((row, field));
            (await boon.Scalar<long>("select count(*) from promotions.codes")).ShouldBe(1);
        }
    });
}
