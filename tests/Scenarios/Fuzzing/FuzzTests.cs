using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Boon.Support;

namespace Boon.Scenarios.Fuzzing;

/// <summary>
/// Whatever is sent, the answer is quick, never a 5xx, and a refusal is a problem document. A failure names its seed and the number of the
/// request: <c>./test FuzzTests --seed N</c> repeats it, <c>--heavy</c> sends 100,000.
/// </summary>
[Collection("Defences")]
public sealed class FuzzTests
{
    private const int AtOnce = 4;
    private const int TriesAlone = 5;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(2);

    /// <summary>An answer that does not come at all.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    [Fact]
    public Task Five_thousand_requests_made_from_the_document() => Run(5_000);

    [Fact(Explicit = true)]
    [Trait("Category", "Heavy")]
    public Task A_hundred_thousand_requests_made_from_the_document() => Run(100_000);

    [Fact]
    public async Task Every_route_answers_head_empty_null_and_every_type_and_charset()
    {
        await using var host = await FuzzHost.StartAsync();
        var requests = new List<FuzzRequest>();
        foreach (var operation in host.Document.Operations)
        {
            var path = string.Join('/', operation.Path.Split('/').Select(part => part.StartsWith('{') ? host.Ids[0] : part));
            requests.Add(new(operation.Method == "GET" ? "HEAD" : operation.Method, path, null, [], "operator"));
            requests.Add(new(operation.Method, path, [], [], "operator"));
            foreach (var type in RequestMaker.ContentTypes)
                foreach (var body in (string[])["", "null", "{}", "[", "\u001F\u008B"])
                    requests.Add(new(operation.Method, path, Encoding.UTF8.GetBytes(body), new() { ["Content-Type"] = type }, "operator"));
            requests.Add(new(operation.Method, path, "{}"u8.ToArray(), new()
                { ["Content-Type"] = "application/json", ["Content-Encoding"] = "gzip" }, "operator"));
        }
        await host.SendAll(requests.Count, index => requests[index], "in the order of the document");
    }

    private static async Task Run(int count)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("BOON_TEST_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given : Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"BOON_TEST_SEED={seed}");
        await using var host = await FuzzHost.StartAsync();
        var maker = new RequestMaker(host.Document, host.Ids);
        await host.SendAll(count, index => maker.Make(new Random(unchecked((seed * 1_000_003) + index))), $"BOON_TEST_SEED={seed}");
    }

    /// <summary>A host with something of everything in it, and who calls.</summary>
    private sealed class FuzzHost : IAsyncDisposable
    {
        private readonly TestBoon boon;
        private readonly HttpClient http;
        private readonly Dictionary<string, string?> tokens;

        private FuzzHost(TestBoon boon, ApiDocument document, string[] ids, Dictionary<string, string?> tokens)
        {
            (this.boon, Document, Ids, this.tokens) = (boon, document, ids, tokens);
            http = new HttpClient(
                new SocketsHttpHandler
                { MaxConnectionsPerServer = 2 * AtOnce, UseCookies = false, AllowAutoRedirect = false,
                RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { Timeout = Hang };
        }

        internal ApiDocument Document { get; }
        internal string[] Ids { get; }

        internal static async Task<FuzzHost> StartAsync()
        {
            var boon = await TestBoon.StartAsync(
                ("Boon:SignIn:FailuresPerAddress", "1000000"), ("Boon:SignIn:FailuresPerAccount", "1000000"));
            var token = await boon.OperatorToken();
            var (member, own) = (await boon.SeedMembers(1))[0];
            await boon.Api.Put("/v1/coupon-types/FREE", new { perUser = (int?)null }, token);
            await boon.Api.Put("/v1/coupon-types/PACED", new
                { pace = new { perSecond = 10, concurrency = 2, maxQueue = 5, maxWaitSeconds = 5 } }, token);
            await boon.Api.Post("/v1/coupons", new
                { coupons = Enumerable.Range(0, 200)
                .Select(i =>
                new { code = $"FUZZ{i}", type = i % 2 == 0
                ? "FREE" : "PACED", discount = new { kind = "percent", value = 5 }, expiresAt = "2090-01-01T00:00:00Z" }) }, token);
            var order = await boon.Api.Post(
                "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 100, currency = "USD" } }, own);
            var reward = await boon.CreateReward();
            string[] ids = [order.Id.ToString(), member.ToString(), (await boon.CreateCampaign()).ToString(), reward.ToString(),
                (await boon.CreateQuest(new { rewardId = reward })).ToString(), Guid.CreateVersion7().ToString()];
            var key = (await boon.Api.Post("/v1/api-keys", new { name = "fuzz" }, token))["key"].GetString();
            var tokens = new Dictionary<string, string?>
                { ["nobody"] = null, ["member"] = own, ["operator"] = boon.TokenOf(Guid.CreateVersion7(), "operator"), ["key"] = key,
                ["forged"] = own[..^4] + "AAAA" };
            return new FuzzHost(boon, await ApiDocument.Of(boon), ids, tokens);
        }

        internal async Task SendAll(int count, Func<int, FuzzRequest> make, string how)
        {
            var faults = new ConcurrentQueue<string>();
            var slow = new ConcurrentQueue<FuzzRequest>();
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (index, _) =>
            {
                var request = make(index);
                var (fault, took) = await SendAsync(request);
                if (fault is not null)
                    faults.Enqueue($"#{index} {request}\n   {fault}");
                else if (took > Longest(request))
                    slow.Enqueue(request);
            });
            // What was slow beside others on a busy machine must be quick alone: what is slow by itself is slow each time.
            foreach (var request in slow)
                if (await SlowAloneAsync(request) is { } fault)
                    faults.Enqueue($"{request}\n   {fault}");
            faults.Count.ShouldBe(0, $"of {count} requests, {how}:\n{string.Join('\n', faults.Take(20))}");
            await boon.Ready();
        }

        private async Task<string?> SlowAloneAsync(FuzzRequest request)
        {
            var quickest = TimeSpan.MaxValue;
            for (var time = 0; time < TriesAlone; time++)
            {
                var (fault, took) = await SendAsync(request);
                if (fault is not null || took <= Longest(request))
                    return fault;
                quickest = took < quickest ? took : quickest;
            }
            return $"took {quickest.TotalSeconds:0.0} s, alone";
        }

        /// <summary>
        /// An order for a user who is not known waits up to two seconds for the registration, as the guide says; <c>Prefer: wait</c> asks
        /// for one.
        /// </summary>
        private static TimeSpan Longest(FuzzRequest request) =>
            request.Url.StartsWith("/v1/orders", StringComparison.OrdinalIgnoreCase) && request.Method == "POST"
                || request.Headers.ContainsKey("Prefer") ? 2 * LongestAnswer : LongestAnswer;

        private async Task<(string? Fault, TimeSpan Took)> SendAsync(FuzzRequest request)
        {
            using var message = Message(request);
            var began = Stopwatch.GetTimestamp();
            try
            {
                using var response = await http.SendAsync(message);
                var body = await response.Content.ReadAsStringAsync();
                return (FaultOf(request, response, body), Stopwatch.GetElapsedTime(began));
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException or IOException)
            {
                return ($"no answer: {error.Message} {error.InnerException?.Message}", Stopwatch.GetElapsedTime(began));
            }
        }

        private HttpRequestMessage Message(FuzzRequest request)
        {
            var message = new HttpRequestMessage(
                new HttpMethod(request.Method),
                new Uri(boon.Api.Url + request.Url, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
            if (request.Body is not null)
                message.Content = new ByteArrayContent(request.Body);
            if (tokens[request.Caller] is { } token)
                message.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            foreach (var (name, value) in request.Headers)
                if (!message.Headers.TryAddWithoutValidation(name, value))
                    message.Content?.Headers.TryAddWithoutValidation(name, value);
            return message;
        }

        private static string? FaultOf(FuzzRequest request, HttpResponseMessage response, string body)
        {
            if (response.StatusCode >= HttpStatusCode.InternalServerError)
                return $"{(int)response.StatusCode} {body}";
            if (response.StatusCode < HttpStatusCode.BadRequest)
                return null;
            if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
                return $"{(int)response.StatusCode} is no problem document: {response.Content.Headers.ContentType} {body}";
            if (request.Method == "HEAD")
                return null;
            try
            {
                var problem = JsonSerializer.Deserialize<JsonElement>(body, JsonSerializerOptions.Default);
                return problem.GetProperty("code").GetString() is { Length: > 0 } && problem.GetProperty("status")
                    .GetInt32() == (int)response.StatusCode
                    && problem.GetProperty("detail").GetString() is { Length: > 0 and < 1_000 }
                        ? null : $"{(int)response.StatusCode} is not told: {body}";
            }
            catch (Exception error) when (error is JsonException or KeyNotFoundException)
            {
                return $"{(int)response.StatusCode} is no JSON: {body}";
            }
        }

        public async ValueTask DisposeAsync()
        {
            http.Dispose();
            await boon.DisposeAsync();
        }
    }
}
