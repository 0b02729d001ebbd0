using Boon.Support;

namespace Boon.Scenarios;

public sealed class RedemptionTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private async Task<(string Code, string Token)> Voucher(object? change = null)
    {
        var trigger = "test." + Guid.CreateVersion7().ToString("N");
        var settings = new Dictionary<string, object?> { ["trigger"] = trigger };
        await boon.CreateCampaign(
            new { trigger, maxUses = Get("maxUses", 1), benefit = Get<object>(
                "benefit", new { kind = "percent", value = 30, products = new[] { "mobile-top-up" } }), voucherValidFor = Get(
                    "voucherValidFor", "P30D") });
        var (id, token) = (await boon.SeedMembers(1))[0];
        await boon.Append(trigger + ".v1", id, "{}");
        var voucher = await Eventually.Get(
            "the voucher", async () => (await boon.Api.All<Voucher>("/v1/vouchers", token)).Select(v => v.Code).FirstOrDefault());
        return (voucher, token);

        T Get<T>(string name, T otherwise) => change?.GetType().GetProperty(name)?.GetValue(change) is T value ? value : otherwise;
    }

    [Fact]
    public async Task A_voucher_is_previewed_redeemed_once_and_given_back_once()
    {
        var (code, token) = await Voucher();
        var purchase = new { code, amount = 5005, currency = "USD", product = "mobile-top-up" };
        var preview = await boon.Api.Post("/v1/redemptions/preview", purchase, token);
        (preview["valid"].GetBoolean(), preview["discount"].GetInt64(), preview["total"].GetInt64()).ShouldBe((true, 1502, 3503));

        var redeemed = await boon.Api.Post(
            "/v1/redemptions", new { code, amount = 5005, currency = "USD", product = "mobile-top-up", reference = "order-1" }, token);
        redeemed.Code.ShouldBe(201);
        (redeemed["discount"].GetInt64(), redeemed["total"].GetInt64(), redeemed["remainingUses"].GetInt32()).ShouldBe((1502, 3503, 0));
        (await boon.Api.All<Voucher>("/v1/vouchers", token))[0].State.ShouldBe("used");
        var again = await boon.Api.Post("/v1/redemptions", purchase, token);
        (again.Code, again.Problem).ShouldBe((409, "code-exhausted"));
        (await boon.Api.Post("/v1/redemptions/preview", purchase, token))["reason"].GetString().ShouldBe("code-exhausted");

        (await boon.Api.Delete($"/v1/redemptions/{redeemed.Id}", token)).Code.ShouldBe(403);
        var gaveBack = await Task.WhenAll(
            Enumerable.Range(0, 5).Select(async _ => await boon.Api.Delete($"/v1/redemptions/{redeemed.Id}", await boon.OperatorToken())));
        gaveBack.Count(answer => answer.Code == 204).ShouldBe(1);
        gaveBack.Where(answer => answer.Code != 204).ShouldAllBe(answer => answer.Problem == "already-released");
        (await boon.Api.Post("/v1/redemptions", purchase, token)).Code.ShouldBe(201);
    }

    [Fact]
    public async Task Each_refusal_has_its_status_and_code_and_is_in_the_log()
    {
        var (code, token) = await Voucher(
            new { benefit = (object)new { kind = "fixed", value = 500, currency = "USD", minSpend = 1000, products = new[] { "shoes" } } });
        async Task Refused(object purchase, int status, string problem)
        {
            var answer = await boon.Api.Post("/v1/redemptions", purchase, token);
            (answer.Code, answer.Problem).ShouldBe((status, problem));
            (await boon.Api.Post("/v1/redemptions/preview", purchase, token))["reason"].GetString().ShouldBe(problem);
        }
        await Refused(new { code = "NO-SUCH-CODE", amount = 5000, currency = "USD" }, 404, "code-invalid");
        await Refused(new { code, amount = 5000, currency = "EUR", product = "shoes" }, 422, "currency-mismatch");
        await Refused(new { code, amount = 999, currency = "USD", product = "shoes" }, 422, "min-spend");
        await Refused(new { code, amount = 5000, currency = "USD", product = "hats" }, 422, "product-not-covered");
        await Refused(new { code, amount = 5000, currency = "USD" }, 422, "product-not-covered");
        var (_, stranger) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post(
            "/v1/redemptions", new { code, amount = 5000, currency = "USD", product = "shoes" }, stranger)).Problem
                .ShouldBe("code-invalid");
        await boon.Execute("update promotions.codes set expires_at = now() where code = $1", code);
        await Refused(new { code, amount = 5000, currency = "USD", product = "shoes" }, 410, "code-expired");
        (await boon.Scalar<long>("select count(*) from promotions.event_log where type = 'promotions.redemption-refused.v1' and "
            + "payload::text like '%' || $1 || '%'", code)).ShouldBe(5);
        (await boon.Scalar<long>(
            "select count(*) from promotions.redemptions r join promotions.codes c on c.id = r.code_id where c.code = $1", code))
            .ShouldBe(0);
    }

    [Fact]
    public async Task Many_at_once_take_no_more_than_maxUses()
    {
        var (code, token) = await Voucher(new { maxUses = 10, benefit = (object)new { kind = "percent", value = 10 } });
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 64).Select(_ => boon.Api.Post("/v1/redemptions", new { code, amount = 100, currency = "USD" }, token)));
        answers.Count(answer => answer.Code == 201).ShouldBe(10);
        answers.Where(answer => answer.Code != 201).ShouldAllBe(answer => answer.Problem == "code-exhausted");
        answers.Where(answer => answer.Code == 201).Select(answer => answer["remainingUses"].GetInt32())
            .ShouldBe(Enumerable.Range(0, 10), ignoreOrder: true);
    }

    [Fact]
    public async Task A_fixed_discount_is_never_more_than_the_amount()
    {
        var (code, token) = await Voucher(new { benefit = (object)new { kind = "fixed", value = 500, currency = "USD" } });
        var redeemed = await boon.Api.Post("/v1/redemptions", new { code, amount = 300, currency = "USD" }, token);
        (redeemed["discount"].GetInt64(), redeemed["total"].GetInt64()).ShouldBe((300, 0));
    }

    [Fact]
    public async Task The_same_key_gives_the_first_answer_again()
    {
        var (code, token) = await Voucher(new { maxUses = 10, benefit = (object)new { kind = "percent", value = 10 } });
        var body = new { code, amount = 100, currency = "USD" };
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => boon.Api.Post("/v1/redemptions", body, token, key: "once")));
        answers.ShouldAllBe(answer => answer.Code == 201 || answer.Problem == "idempotency-in-flight");
        answers.Where(answer => answer.Code == 201).Select(answer => answer.Text).Distinct().Count().ShouldBe(1);
        (await boon.Scalar<int>("select uses from promotions.codes where code = $1", code)).ShouldBe(1);
        var replay = await boon.Api.Post("/v1/redemptions", body, token, key: "once");
        replay.Headers.GetValues("Idempotent-Replayed").ShouldBe(["true"]);
        (await boon.Api.Post("/v1/redemptions", new { code, amount = 200, currency = "USD" }, token, key: "once")).Problem
            .ShouldBe("idempotency-mismatch");
        (await boon.Api.Post("/v1/redemptions", body, token, key: new string('k', 256))).Code.ShouldBe(400);
        var (_, other) = (await boon.SeedMembers(1))[0];
        (await boon.Api.Post("/v1/redemptions", body, other, key: "once")).Problem.ShouldBe("code-invalid");
    }

    [Fact]
    public async Task A_voucher_is_found_as_people_type_it()
    {
        var (code, token) = await Voucher(new { maxUses = 10 });
        foreach (var typed in (string[])[
            code.ToLowerInvariant(), $"  {code} ", code.Replace("-", "", StringComparison.Ordinal), code.Replace('-', ' ')
            .Replace('L', '1'), code.Replace('L', 'i')])
        {
            var redeemed = await boon.Api.Post(
                "/v1/redemptions", new { code = typed, amount = 5000, currency = "USD", product = "mobile-top-up" }, token);
            (redeemed.Code, redeemed["code"].GetString()).ShouldBe((201, code), typed);
        }
    }

    [Fact]
    public async Task A_discount_of_nothing_takes_no_use_unless_the_caller_asks_for_it()
    {
        var (code, token) = await Voucher(new { benefit = (object)new { kind = "percent", value = 10 } });
        var preview = await boon.Api.Post("/v1/redemptions/preview", new { code, amount = 4, currency = "USD" }, token);
        (preview["valid"].GetBoolean(), preview["reason"].GetString(), preview["total"].GetInt64()).ShouldBe((false, "no-discount", 4));
        var refused = await boon.Api.Post("/v1/redemptions", new { code, amount = 4, currency = "USD" }, token);
        (refused.Code, refused.Problem).ShouldBe((422, "no-discount"));
        var order = await boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 4, currency = "USD" }, code }, token);
        var settled = await boon.Api.Send(
            HttpMethod.Get, $"/v1/orders/{order.Id}", null, token, change: request => request.Headers.Add("Prefer", "wait=20"));
        (settled["state"].GetString(), settled["reason"].GetString()).ShouldBe(("rejected", "no-discount"));
        (await boon.Api.Post("/v1/redemptions/preview", new { code, amount = 4, currency = "USD", allowZeroDiscount = true }, token))[
            "valid"].GetBoolean().ShouldBeTrue();
        var taken = await boon.Api.Post("/v1/redemptions", new { code, amount = 4, currency = "USD", allowZeroDiscount = true }, token);
        (taken.Code, taken["discount"].GetInt64(), taken["remainingUses"].GetInt32()).ShouldBe((201, 0, 0));
    }
}
