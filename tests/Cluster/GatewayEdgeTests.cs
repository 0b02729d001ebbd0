using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>What the gateway does with clients: limits, addresses, TLS, headers, bodies.</summary>
public sealed class GatewayEdgeTests(GatewayEdgeTests.OneReplica replica) : IClassFixture<GatewayEdgeTests.OneReplica>
{
    private const string Password = "a pass phrase of a member";

    /// <summary>A process of all modules that believes proxies of this machine.</summary>
    public sealed class OneReplica : IAsyncLifetime
    {
        internal TestCluster Cluster { get; private set; } = null!;

        internal string Token { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Cluster = await TestCluster.CreateAsync(
                1, new Dictionary<string, string> { ["Boon__Web__TrustedProxies__0"] = "127.0.0.1", ["Boon__SignUp__PerAddress"] = "3" },
                fixedUrls: true);
            await Cluster.StartAllAsync();
            Token = await Cluster.OperatorTokenAsync();
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }

    private Task<TestGateway> StartAsync(string[] switches, params (string Key, string Value)[] settings) => TestGateway.StartAsync(
        settings.Append(("Boon__Gateway__Modules", replica.Cluster.Url(0)))
            .ToDictionary(setting => setting.Item1, setting => setting.Item2), switches);

    [Fact]
    public async Task Each_client_has_a_bucket_of_its_own()
    {
        await using var gateway = await StartAsync(
            [], ("Boon__Gateway__RequestsPerSecond", "1"), ("Boon__Web__TrustedProxies__0", "127.0.0.1"));
        await Eventually.Holds("the token to be taken", async () => (await gateway.Api.Get("/v1/users/me", replica.Token)).Code == 200);
        var refused = await RefusedAsync(gateway, _ => "203.0.113.6");
        refused.Problem.ShouldBe("too-many-requests");
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
        (await FromAsync(gateway, "203.0.113.7")).Code.ShouldBe(200, "another address has a bucket of its own");
        await Eventually.Holds("a user to have one", async () => (await FromAsync(gateway, "203.0.113.6", replica.Token)).Code == 200);
        await Eventually.Holds(
            "the count", async () => (await gateway.Api.Get("/metrics")).Text.Contains(
                "boon_gateway_limited_total ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Addresses_are_taken_from_known_proxies_only()
    {
        await using var stranger = await StartAsync([], ("Boon__Gateway__RequestsPerSecond", "1"));
        await RefusedAsync(stranger, i => $"203.0.{i / 250}.{i % 250}"); // who is not believed has one address

        await using var trusting = await StartAsync([], ("Boon__Web__TrustedProxies__0", "127.0.0.1"));
        for (var i = 0; i < 3; i++)
            (await SignUpAsync(trusting, "203.0.113.7")).Code.ShouldBe(201);
        (await SignUpAsync(trusting, "203.0.113.7")).Problem.ShouldBe("too-many-sign-ups", "the modules get the address of the client");
        (await SignUpAsync(trusting, "203.0.113.8")).Code.ShouldBe(201);
    }

    /// <summary>Sends until one is refused: how many pass meanwhile is a matter of time, and tested where time stands still.</summary>
    private static async Task<Answer> RefusedAsync(TestGateway gateway, Func<int, string> address)
    {
        Answer? refused = null;
        var sent = 0;
        await Eventually.Holds("a refusal", async () =>
        {
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 8).Select(_ => FromAsync(gateway, address(Interlocked.Increment(ref sent)))));
            refused = answers.FirstOrDefault(answer => answer.Code == 429);
            return refused is not null;
        });
        return refused!;
    }

    private static Task<Answer> FromAsync(TestGateway gateway, string address, string? token = null) =>
        gateway.Api.Send(HttpMethod.Get, "/v1/quests", null, token, change: request => request.Headers.Add("X-Forwarded-For", address));

    private static Task<Answer> SignUpAsync(TestGateway gateway, string address)
    {
        var name = "u" + Guid.CreateVersion7().ToString("N");
        var body = JsonContent.Create(
            new { username = name, email = $"{name}@example.com", phone = TestBoon.NewPhone(), password = Password,
            fullName = "A Member" });
        return gateway.Api.Send(
            HttpMethod.Post, "/v1/users", body, null, change: request => request.Headers.Add("X-Forwarded-For", address));
    }

    [Fact]
    public async Task Answers_carry_the_headers_that_browsers_need_and_traces_go_through()
    {
        await using var gateway = await StartAsync(
            [], ("Boon__Web__AllowedOrigins__0", "https://shop.example"), ("Boon__Log__Level", "Information"));
        const string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        var answer = await gateway.Api.Send(HttpMethod.Get, "/v1/users/me", null, replica.Token, change: request =>
        {
            request.Headers.Add("Origin", "https://shop.example");
            request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        });
        Header(answer, "X-Content-Type-Options").ShouldBe("nosniff");
        Header(answer, "Content-Security-Policy").ShouldBe("default-src 'none'; frame-ancestors 'none'");
        Header(answer, "X-Frame-Options").ShouldBe("DENY");
        Header(answer, "Referrer-Policy").ShouldBe("no-referrer");
        Header(answer, "Cache-Control").ShouldBe("no-store");
        Header(answer, "Access-Control-Allow-Origin").ShouldBe("https://shop.example");
        answer.Headers.Contains("Strict-Transport-Security").ShouldBeFalse("it did not come by https");
        answer.Headers.Contains("Server").ShouldBeFalse();
        await Eventually.Holds(
            "the line of the request", () => Task.FromResult(gateway.Output.Contains($"GET /v1/users/me 200", StringComparison.Ordinal)
            && gateway.Output.Contains($"trace {trace}", StringComparison.Ordinal)));

        var reward = await gateway.Api.Send(
            HttpMethod.Post, "/v1/rewards", JsonContent.Create(new { name = "Traced", item = "gold", quantity = 1 }), replica.Token,
            change: request => request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01"));
        reward.Code.ShouldBe(201, reward.Text);
        (await replica.Cluster.ScalarAsync<string>(
            "select traceparent from quests.event_log where type like 'quests.reward-created%' limit 1")).ShouldContain(trace);

        var preflight = await gateway.Api.Send(HttpMethod.Options, "/v1/rewards", null, null, change: request =>
        {
            request.Headers.Add("Origin", "https://shop.example");
            request.Headers.Add("Access-Control-Request-Method", "POST");
        });
        (preflight.Code, Header(preflight, "Access-Control-Allow-Origin")).ShouldBe((204, "https://shop.example"));

        (await gateway.Api.Send(HttpMethod.Head, "/v1/quests", null, null))
            .ShouldSatisfyAllConditions(head => head.Code.ShouldBe(200), head => head.Text.ShouldBeEmpty());
        (await gateway.Api.Get("/v1/nothing")).Problem.ShouldBe("not-found");
        (await gateway.Api.Put("/v1/sessions", new { })).Problem.ShouldBe("method-not-allowed");
        (await gateway.Api.Get("/v1/events?limit=1", replica.Token)).Code.ShouldBe(200, "with one backend it is forwarded");
        (await gateway.Api.Get("/openapi/v1.json")).Text.ShouldBe((await replica.Cluster.Api(0).Get("/openapi/v1.json")).Text);
    }

    [Fact]
    public async Task A_header_that_is_not_ASCII_goes_through_and_takes_no_process_out()
    {
        await using var gateway = await StartAsync([]);
        using var client = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 });
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Url + "/v1/quests");
        request.Headers.TryAddWithoutValidation("X-A", "\u00E9");
        using var answer = await client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        await gateway.Sees(replica.Cluster.Url(0), ready: true);
        (await gateway.Api.Get("/v1/quests")).Code.ShouldBe(200);
        gateway.Output.ShouldNotContain("passive health check");
    }

    private static string Header(Answer answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(" | ", values) : "";

    [Fact]
    public async Task Bodies_are_bounded_as_each_route_declares()
    {
        await using var gateway = await StartAsync([]);
        var large = Encoding.UTF8.GetBytes($"{{\"name\":\"{new string('x', 2 * 1024 * 1024)}\"}}");
        foreach (var key in (string?[])[null, "a key"])
        {
            (await gateway.Api.Send(
                HttpMethod.Post, "/v1/rewards", new ByteArrayContent(large) { Headers = { ContentType = new("application/json") } },
                replica.Token, key))
                .Problem.ShouldBe("body-too-large", $"with its length, key {key}");
            (await gateway.Api.Send(
                HttpMethod.Post, "/v1/rewards", new StreamContent(new Unsized(large))
                { Headers = { ContentType = new("application/json") } }, replica.Token, key))
                .Problem.ShouldBe("body-too-large", $"in chunks, key {key}");
        }
        var rows = "code,type,discountKind,discountValue,expiresAt\n"
            + string.Concat(
                Enumerable.Range(0, 30_000).Select(i => $"EDGE-{new string('x', 10)}-{i},EDGE,percent,10,2090-01-01T00:00:00Z\n"));
        await gateway.Api.Put("/v1/coupon-types/EDGE", new { perUser = 1 }, replica.Token);
        foreach (var (content, key) in (IEnumerable<(HttpContent, string)>)
            [
                (new StringContent(rows, Encoding.UTF8, "text/csv"), "an upload"),
                (new StreamContent(new Unsized(Encoding.UTF8.GetBytes(rows.Replace("EDGE-", "MORE-", StringComparison.Ordinal))))
                    { Headers = { ContentType = new("text/csv") } }, "another"),
            ])
        {
            var answer = await gateway.Api.Send(HttpMethod.Post, "/v1/coupons", content, replica.Token, key);
            answer.Code.ShouldBe(201, $"uploads may be larger than what is held to be sent again: {answer.Text}");
        }
    }

    /// <summary>A stream that does not know its length, so that it is sent in chunks.</summary>
    private sealed class Unsized(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    [Fact]
    public async Task It_ends_TLS_with_a_certificate()
    {
        var folder = Directory.CreateTempSubdirectory("boon-tls-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=boon.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(folder, "boon.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(folder, "boon.key"), key.ExportPkcs8PrivateKeyPem());
        await using var gateway = await StartAsync([],
            ("Boon__Urls", "https://127.0.0.1:0"),
            ("Kestrel__Certificates__Default__Path", Path.Combine(folder, "boon.pem")),
            ("Kestrel__Certificates__Default__KeyPath", Path.Combine(folder, "boon.key")));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString(
                HashAlgorithmName.SHA256) == certificate.GetCertHashString(HashAlgorithmName.SHA256) },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Url + "/v1/quests") { Headers = { Host = "boon.example" } };
        using var answer = await client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.GetValues("Strict-Transport-Security").ShouldBe(["max-age=31536000"]);
        Directory.Delete(folder, recursive: true);
    }
}
