using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What a request must be before its endpoint sees it, and in what words it is refused.</summary>
public sealed class RequestTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private const string Session = """{"identifier":"nobody","password":"a long enough phrase"}""";
    private const string Campaign = """{"name":"c","trigger":"external.a.b","limit":5000.0,"perUser":1e0"""
        + ""","benefit":{"kind":"percent","value":10e-1},"voucherValidFor":"P1D","state":"draft"}""";

    private async Task<Answer> Send(string method, string path, string? body, string? contentType, string? encoding = null)
    {
        var content = body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (contentType is not null)
            content!.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (encoding is not null)
            content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return await boon.Api.Send(new HttpMethod(method), path, content, await boon.OperatorToken());
    }

    [Theory]
    [InlineData("/v1/sessions", Session, "application/json; charset=bogus", "UTF-8")]
    [InlineData("/v1/sessions", Session, "application/json; charset=utf-16", "UTF-8")]
    [InlineData("/v1/coupons", "code", "text/csv; charset=iso-8859-1", "UTF-8")]
    [InlineData("/v1/events", "{}", "application/cloudevents+json; charset=\"latin1\"", "UTF-8")]
    [InlineData("/v1/sessions", Session, null, "application/json")]
    [InlineData("/v1/sessions", Session, "", "application/json")]
    [InlineData("/v1/sessions", Session, ";;;", "application/json")]
    [InlineData("/v1/sessions", Session, "text/plain", "application/json")]
    [InlineData("/v1/coupons", "code", "application/x-www-form-urlencoded", "text/csv")]
    [InlineData("/v1/coupons", "code", null, "text/csv")]
    [InlineData("/v1/events", "[]", "text/plain", "application/cloudevents-batch+json")]
    public async Task Types_and_charsets_that_are_not_taken_are_415_with_what_is(
        string path, string body, string? contentType, string advice)
    {
        var answer = await Send("POST", path, body, contentType);
        (answer.Code, answer.Problem).ShouldBe((415, "unsupported-media-type"), answer.Text);
        answer["detail"].GetString()!.ShouldContain(advice);
    }

    [Theory]
    [InlineData("/v1/sessions", "application/json", "gzip")]
    [InlineData("/v1/coupons", "text/csv", "br")]
    [InlineData("/v1/coupons", "application/json", "gzip, identity")]
    [InlineData("/v1/events", "application/cloudevents+json", "deflate")]
    public async Task Encoded_bodies_are_415_and_the_coding_is_named(string path, string contentType, string encoding)
    {
        var answer = await Send("POST", path, "\u001F\u008B", contentType, encoding);
        (answer.Code, answer.Problem).ShouldBe((415, "unsupported-media-type"), answer.Text);
        answer["detail"].GetString()!.ShouldContain(encoding);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("APPLICATION/JSON; Charset=\"UTF-8\"")]
    [InlineData("application/json;charset=utf8")]
    public async Task Media_types_and_charsets_have_no_case_and_integral_numbers_are_whole(string contentType)
    {
        var answer = await Send("POST", "/v1/campaigns", Campaign, contentType, "identity");
        answer.Code.ShouldBe(201, answer.Text);
        (answer["limit"].GetInt64(), answer["perUser"].GetInt32(), answer["benefit"].GetProperty("value").GetInt64())
            .ShouldBe((5000L, 1, 1L));
    }

    [Theory]
    [InlineData("POST", "/v1/orders", null, "This call takes a body")]
    [InlineData("POST", "/v1/orders", "", "This call takes a body")]
    [InlineData("POST", "/v1/orders", "null", "This call takes a body")]
    [InlineData("PATCH", "/v1/users/me", "null", "This call takes a body")]
    [InlineData("POST", "/v1/orders", "{\"product\":", "is not JSON from line 1, byte")]
    [InlineData("POST", "/v1/orders", "[]", "has the wrong type")]
    [InlineData("POST", "/v1/orders", """{"quantity":1.5}""", "quantity must be a whole number")]
    [InlineData("POST", "/v1/orders", """{"quantity":3000000000}""", "quantity is out of range")]
    [InlineData("POST", "/v1/orders", """{"quantity":"1"}""", "quantity must be a whole number")]
    [InlineData("POST", "/v1/orders", """{"total":{"amount":1e99}}""", "total.amount is out of range")]
    [InlineData("POST", "/v1/orders", """{"nope":1}""", "nope is not a member of this call's body")]
    [InlineData("PATCH", "/v1/users/me", """{"nope":1}""", "nope is not a member of this call's body")]
    [InlineData("POST", "/v1/orders", """{"product":"a","product":"b"}""", "appears more than once")]
    [InlineData("POST", "/v1/orders", """{"product":"\u0000"}""", "product must not contain U+0000")]
    [InlineData("POST", "/v1/coupons", "{\"coupons\":", "is not JSON")]
    [InlineData("POST", "/v1/coupons", """{"x":[]}""", "only coupons is a member")]
    [InlineData("POST", "/v1/events", "{,}", "is not JSON from line 1, byte 2")]
    [InlineData("POST", "/v1/campaigns", """{"benefit":{"kind":null,"value":1}}""", "benefit.kind must not be null")]
    public async Task Bodies_are_refused_in_words_of_our_own(string method, string path, string? body, string words)
    {
        var answer = await Send(method, path, body, body is null ? null : "application/json");
        (answer.Code, answer.Problem is "invalid-json" or "invalid-request").ShouldBe((400, true), answer.Text);
        answer["detail"].GetString()!.ShouldContain(words);
        foreach (var foreign in (string[])[
            "Implicit", "isFinalBlock", "BytePosition", "LineNumber", "System.", "Boon.", "Exception", "Path:", ".NET"])
            answer.Text.ShouldNotContain(foreign);
    }

    [Theory]
    [InlineData("/v1/orders")]
    [InlineData("/v1/coupons")]
    [InlineData("/v1/events")]
    public async Task Answers_are_short_whatever_was_sent(string path)
    {
        var name = new string('n', 900_000);
        foreach (var body in (string[])[
            $$"""{"{{name}}":1}""", $$"""{"coupons":[{"{{name}}":1} ]}""", $$$"""{"product":{"{{{name}}}":1}}"""])
            (await Send("POST", path, body, "application/json")).Text.Length.ShouldBeLessThan(2_000, path);
        (await Send("POST", "/v1/coupons", new string(',', 65_000) + "\n", "text/csv")).Text.Length.ShouldBeLessThan(20_000);
        (await Send("POST", "/v1/sessions", Session, "application/json; charset=" + new string('c', 5_000))).Text.Length
            .ShouldBeLessThan(2_000);
        (await Send("GET", "/v1/campaigns?" + new string('p', 5_000) + "=1", null, null)).Text.Length.ShouldBeLessThan(2_000);
    }

    [Theory]
    [InlineData("GET", "/v1/campaigns?state=active", "state", "limit, cursor")]
    [InlineData("GET", "/v1/events?Type=a&page=2", "page", "type, userId, module, limit, cursor")]
    [InlineData("GET", "/v1/orders?limit=1&limit=2", "limit", "more than once")]
    [InlineData("GET", "/v1/users/me?x", "x", "takes no parameters")]
    [InlineData("POST", "/v1/coupons/purge?force=1", "force", "takes no parameters")]
    [InlineData("GET", "/v1/rewards?offset=5", "offset", "limit, cursor")]
    public async Task Unknown_parameters_are_refused_by_name(string method, string path, string name, string known)
    {
        var answer = await Send(method, path, null, null);
        (answer.Code, answer.Problem).ShouldBe((400, "unknown-parameter"), answer.Text);
        answer.Errors[name][0].ShouldContain(known);
    }

    [Fact]
    public async Task Bodies_where_none_is_taken_are_refused()
    {
        foreach (var (method, path) in ((string, string)[])[
            ("POST", "/v1/quests/x/claims"), ("POST", "/v1/orders/x/cancel"), ("POST", "/v1/coupons/purge"), ("GET", "/v1/orders"),
            ("DELETE", "/v1/sessions/current")])
        {
            var answer = await Send(method, path, "{}", "application/json");
            (answer.Code, answer.Problem).ShouldBe((400, "unexpected-body"), $"{method} {path} {answer.Text}");
        }
        (await boon.Api.Send(
            HttpMethod.Post, "/v1/coupons/purge", new StreamContent(new MemoryStream()), await boon.OperatorToken(), change: request =>
            request.Headers.TransferEncodingChunked = true)).Code.ShouldBe(200);
        (await boon.Api.Send(
            HttpMethod.Post, "/v1/coupons/purge", new StreamContent(new MemoryStream([1])), await boon.OperatorToken(), change: request =>
            request.Headers.TransferEncodingChunked = true)).Code.ShouldBe(400);
    }

    [Fact]
    public async Task Head_is_wherever_get_is()
    {
        using var http = new HttpClient { BaseAddress = new Uri(boon.Api.Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await boon.OperatorToken());
        foreach (var path in (string[])[
            "/health/live", "/health/ready", "/metrics", "/v1/rewards", "/v1/quests", "/v1/campaigns", "/v1/events", "/v1/logs/identity",
            "/v1/users/me", "/openapi/v1.json", "/docs/index.html", "/.well-known/jwks.json", "/v1/campaigns/x", "/v1/campaigns?x=1",
            "/nothing"])
        {
            using var get = await http.GetAsync(path);
            using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
            head.StatusCode.ShouldBe(get.StatusCode, path);
            head.Content.Headers.ContentType.ShouldBe(get.Content.Headers.ContentType, path);
            (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty(path);
        }
        using var refused = await http.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/v1/campaigns"));
        refused.Content.Headers.Allow.Order().ShouldBe(["GET", "HEAD", "POST"]);
        using var post = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/sessions"));
        post.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task Null_in_a_patch_clears_what_is_optional_and_is_refused_otherwise()
    {
        var token = await boon.OperatorToken();
        var campaign = await boon.CreateCampaign(new { description = "d", endsAt = "2090-01-01T00:00:00Z" });
        var quest = await boon.CreateQuest(new { description = "d" });
        var person = await boon.Register();
        var own = await boon.Api.SignIn(person.Username, person.Password);
        (await boon.Api.Patch("/v1/users/me", new { birthday = "2000-01-01" }, own))["birthday"].GetString().ShouldBe("2000-01-01");
        foreach (var (path, member, caller) in ((string, string, string)[])[
            ($"/v1/campaigns/{campaign}", "endsAt", token), ($"/v1/campaigns/{campaign}", "description", token),
            ($"/v1/quests/{quest}", "description", token), ("/v1/users/me", "birthday", own)])
        {
            (await boon.Api.Raw(HttpMethod.Patch, path, "{}", caller)).Body.TryGetProperty(member, out _)
                .ShouldBeTrue($"{path} {member} stays");
            var cleared = await boon.Api.Raw(HttpMethod.Patch, path, $$"""{"{{member}}":null}""", caller);
            (cleared.Code, cleared.Body.TryGetProperty(member, out _)).ShouldBe((200, false), cleared.Text);
        }
        foreach (var (path, members, caller) in ((string, string[], string)[])[
            ($"/v1/campaigns/{campaign}", ["name", "state", "limit"], token),
            ($"/v1/quests/{quest}", ["name", "rewardId", "streak", "duplication", "autoClaim", "state"], token),
            ("/v1/users/me", ["username", "email", "phone", "fullName", "password", "currentPassword"], own)])
            foreach (var member in members)
            {
                var refused = await boon.Api.Raw(HttpMethod.Patch, path, $$"""{"{{member}}":null}""", caller);
                (refused.Code, refused.Problem).ShouldBe((400, "validation-failed"), $"{path} {member} {refused.Text}");
                refused.Errors.ShouldContainKey(member);
            }
    }

    [Theory]
    [InlineData("GET /v1/quests%00 HTTP/1.1", "HTTP/1.1 400 ")]
    [InlineData("GET v1 HTTP/1.1", "HTTP/1.1 405 ")]
    [InlineData("nonsense", "HTTP/1.1 400 ")]
    [InlineData("GET / HTTP/3.7", "HTTP/1.1 505 ")]
    [InlineData("GET /LONG HTTP/1.1", "HTTP/1.1 414 ")]
    public async Task What_the_server_itself_cannot_parse_is_refused_with_a_problem_document(string line, string status)
    {
        using var client = new TcpClient();
        var address = new Uri(boon.Api.Url);
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await IsRefusedWithAProblem(stream, line, status);
    }

    [Fact]
    public async Task Under_TLS_it_is_refused_in_the_same_words()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        var folder = Directory.CreateTempSubdirectory("boon-tls-").FullName;
        await File.WriteAllTextAsync(
            Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
        await using var host = await TestBoon.StartAsync(
            ("Boon:Management:Urls", "https://127.0.0.1:0"),
            ("Kestrel:Certificates:Default:Path", Path.Combine(folder, "cert.pem")),
            ("Kestrel:Certificates:Default:KeyPath", Path.Combine(folder, "key.pem")));
        var port = host.Urls.Select(url => new Uri(url)).Single(url => url.Scheme == "https").Port;

        async Task<SslStream> ConnectAsync()
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                    { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString(
                    ) == certificate.GetCertHashString() }, TestContext.Current.CancellationToken);
            return stream;
        }
        await using (var stream = await ConnectAsync())
        {
            await stream.WriteAsync(
                "GET /health/live HTTP/1.1\r\nHost: boon\r\nConnection: close\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            (await ReadAsync(stream)).ShouldContain("\"live\"");
        }
        await using (var stream = await ConnectAsync())
            await IsRefusedWithAProblem(stream, "GET /v1/quests%00 HTTP/1.1", "HTTP/1.1 400 ");
        Directory.Delete(folder, recursive: true);
    }

    private static async Task IsRefusedWithAProblem(Stream stream, string line, string status)
    {
        await stream.WriteAsync(
            Encoding.Latin1.GetBytes($"{line.Replace("LONG", new string('l', 9_000), StringComparison.Ordinal)}\r\nHost: boon\r\n\r\n"),
            TestContext.Current.CancellationToken);
        var answer = await ReadAsync(stream);
        answer.ShouldStartWith(status);
        answer.ShouldContain("Content-Type: application/problem+json");
        var body = System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(
            answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], System.Text.Json.JsonSerializerOptions.Default);
        (body.GetProperty("code").GetString(), body.GetProperty("status").GetInt32())
            .ShouldBe((status.Contains("405", StringComparison.Ordinal)
            ? "method-not-allowed" : "invalid-request", int.Parse(status.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture)));
    }

    /// <summary>All that comes. A server that closes before it has read everything resets the connection, behind its answer.</summary>
    private static async Task<string> ReadAsync(Stream stream)
    {
        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // the answer has come
        }
        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
