using System.Net.Http.Json;
using Boon.Platform;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What answers say to browsers and caches, and who may call and wait.</summary>
public sealed class WebTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static string? Header(Answer answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    [Fact]
    public async Task Nothing_that_is_somebodys_is_kept_by_a_cache_and_no_type_is_guessed()
    {
        var person = await boon.Register();
        var session = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password });
        var token = session["accessToken"].GetString()!;
        Answer[] personal =
        [
            session,
            await boon.Api.Post("/v1/sessions/refresh", new { refreshToken = session["refreshToken"].GetString() }),
            await boon.Api.Get("/v1/users/me", token), await boon.Api.Get("/v1/vouchers", token), await boon.Api.Get("/v1/wallet", token),
            await boon.Api.Post("/v1/api-keys", new { name = "a system" }, await boon.OperatorToken()),
            await boon.Api.Get("/v1/users/me"), await boon.Api.Get("/v1/nothing", token), await boon.Api.Post(
                "/v1/sessions", new { identifier = "x" }),
        ];
        foreach (var answer in personal)
            (answer.Headers.CacheControl?.NoStore, Header(answer, "X-Content-Type-Options")).ShouldBe((true, "nosniff"), answer.Text);

        var catalog = await boon.Api.Get("/v1/rewards");
        (catalog.Headers.CacheControl?.NoStore, catalog.Headers.ETag is not null).ShouldBe((false, true));
        foreach (var path in (string[])["/health/live", "/metrics", "/openapi/v1.json", "/docs/index.html"])
            Header(await boon.Api.Get(path), "X-Content-Type-Options").ShouldBe("nosniff", path);
        var docs = await boon.Api.Get("/docs/index.html");
        Header(docs, "Content-Security-Policy").ShouldNotBeNull().ShouldContain("frame-ancestors 'none'");
        Header(docs, "X-Frame-Options").ShouldBe("DENY");
        docs.Text.ShouldNotContain("<script>", Case.Insensitive, "the policy lets no script in the page itself run");
    }

    [Fact]
    public async Task A_fault_of_a_long_name_is_told_in_few_words()
    {
        var answer = await boon.Api.Raw(
            HttpMethod.Post, "/v1/orders", $$"""{"{{new string('n', 900_000)}}":1}""", await boon.OperatorToken());
        answer.Code.ShouldBe(400);
        answer.Text.Length.ShouldBeLessThan(2_000);
    }

    [Theory]
    [InlineData("/v1/users")]
    [InlineData("/v1/sessions")]
    [InlineData("/v1/sessions/refresh")]
    public async Task Strangers_send_little(string path)
    {
        (await boon.Api.Raw(HttpMethod.Post, path, "{}" + new string(' ', 16 * 1024 - 2))).Problem.ShouldBe("validation-failed");
        (await boon.Api.Raw(HttpMethod.Post, path, "{}" + new string(' ', 16 * 1024 - 1))).Problem.ShouldBe("body-too-large");
        var chunks = new StringContent("{}" + new string(' ', 20_000), System.Text.Encoding.UTF8, "application/json");
        (await boon.Api.Send(HttpMethod.Post, path, chunks, token: null, key: "a key", change: request =>
            request.Headers.TransferEncodingChunked = true)).Problem.ShouldBe("body-too-large");
    }

    [Fact]
    public async Task Pages_of_other_origins_may_call_only_when_they_are_named()
    {
        Task<Answer> Preflight(TestBoon host, string origin) =>
            host.Api.Send(HttpMethod.Options, "/v1/orders", content: null, token: null, change: request =>
        {
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,idempotency-key");
        });
        Task<Answer> Refused(TestBoon host, string origin) =>
            host.Api.Send(HttpMethod.Post, "/v1/orders", JsonContent.Create(new { }), token: null, change: request =>
                request.Headers.Add("Origin", origin));
        const string shop = "https://shop.example";

        var none = await Preflight(boon, shop);
        (none.Code, Header(none, "Access-Control-Allow-Origin")).ShouldBe((405, null));

        await using var open = await TestBoon.StartAsync(
            ("Boon:Web:AllowedOrigins:0", shop), ("Boon:Web:AllowedOrigins:1", "http://localhost:3000"));
        foreach (var origin in (string[])[shop, "http://localhost:3000"])
        {
            var preflight = await Preflight(open, origin);
            (preflight.Code, Header(preflight, "Access-Control-Allow-Origin"), Header(preflight, "Access-Control-Allow-Credentials"))
                .ShouldBe((204, origin, null));
            Header(preflight, "Access-Control-Allow-Methods").ShouldNotBeNull().ShouldContain("POST");
            Header(preflight, "Access-Control-Allow-Headers")!.Split(',').Select(name => name.Trim().ToLowerInvariant())
                .ShouldBeSubsetOf(["authorization", "boon-reason", "content-type", "idempotency-key", "if-none-match", "prefer",
                    "traceparent", "tracestate"]);
            Header(preflight, "Access-Control-Max-Age").ShouldBe("3600");
            var refused = await Refused(open, origin);
            (refused.Code, Header(refused, "Access-Control-Allow-Origin")).ShouldBe((401, origin), "errors are readable too");
            Header(refused, "Access-Control-Expose-Headers").ShouldNotBeNull().ShouldContain("Retry-After");
        }
        foreach (var origin in (string[])["https://evil.example", "https://shop.example.evil.example", "null"])
            Header(await Preflight(open, origin), "Access-Control-Allow-Origin").ShouldBeNull(origin);
        foreach (var wrong in (string[])["shop.example", "https://shop.example/", "https://shop.example/path", "ftp://shop.example"])
            (await Should.ThrowAsync<SetupException>(() =>
                TestBoon.StartAsync(("Boon:Web:AllowedOrigins:0", wrong)))).Message.ShouldContain(wrong);
    }

    [Fact]
    public async Task A_member_may_let_twenty_requests_wait_at_a_time()
    {
        // Orders of a host without Promotions wait for ever for their redemption.
        await using var shop = await TestBoon.StartModulesAsync(["identity", "orders"]);
        var member = shop.TokenOf(Guid.CreateVersion7());
        var placed = await shop.Api.Post(
            "/v1/orders", new { product = "book", quantity = 1, total = new { amount = 100, currency = "EUR" }, code = "X" }, member);
        placed.Code.ShouldBe(202);
        using var http = new HttpClient { BaseAddress = new Uri(shop.Api.Url) };
        using var stop = new CancellationTokenSource();
        async Task<HttpResponseMessage> Wait(string token, string wait, CancellationToken ct)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/orders/{placed.Id}");
            request.Headers.Add("Authorization", "Bearer " + token);
            request.Headers.Add("Prefer", wait);
            return await http.SendAsync(request, ct);
        }
        var waiting = Enumerable.Range(0, 30).Select(_ => Wait(member, "wait=30", stop.Token)).ToList();
        await Eventually.Holds("the others to be refused", async () =>
        {
            var refused = await Task.WhenAll(waiting.Where(one => one.IsCompleted));
            foreach (var one in refused)
                ((int)one.StatusCode, one.Headers.RetryAfter is not null, (await one.Content.ReadAsStringAsync())
                    .Contains("too-many-waits", StringComparison.Ordinal)).ShouldBe((429, true, true));
            return refused.Length == 10;
        });
        (await shop.Api.Get($"/v1/orders/{placed.Id}", member)).Code.ShouldBe(200, "who does not wait is served");
        using (var served = await Wait(await shop.OperatorToken(), "wait=1", CancellationToken.None))
            ((int)served.StatusCode).ShouldBe(200, "operators serve many people");
        await stop.CancelAsync();
        await Eventually.Holds("the member to wait again", async () =>
        {
            using var one = await Wait(member, "wait=1", CancellationToken.None);
            return (int)one.StatusCode == 200;
        });
        foreach (var one in waiting)
            await one.ContinueWith(_ => { }, TaskScheduler.Default);
    }
}
