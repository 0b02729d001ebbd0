using System.Text.Json;
using System.Text.Json.Nodes;
using Boon.Host;
using Boon.Identity.Keys;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Hosting;
using Boon.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>Every operation is called by everybody, and the answers are those of <see cref="AccessMatrix"/>.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Every_operation_lets_in_whom_it_should_and_nobody_else()
    {
        await using var boon = await TestBoon.StartAsync();
        (await WrongAnswersAsync(boon, AccessMatrix.Rows)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_processes_ask_each_other_opens_with_their_secret_and_nothing_else_does()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Services:Secret", Secret));
        boon.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/internal", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods
                .Select(method => (method, endpoint.RoutePattern.RawText!)))
            .ShouldBe(AccessMatrix.ForServices, ignoreOrder: true);
        BoonHost.AllModules.SelectMany(DeclaredRoute.Of).Concat(DeclaredRoute.HostWide())
            .ShouldNotContain(route => route.Path.StartsWith("/internal", StringComparison.Ordinal), "a gateway forwards none of it");
        var world = await World.Of(boon);
        var name = JsonSerializer.SerializeToElement(new { operationId = "internal" });
        foreach (var (method, path) in AccessMatrix.ForServices)
        {
            var operation = new ApiOperation(method, path, name);
            foreach (var caller in AccessMatrix.Callers)
                (await world.CallAsync(operation, caller, withUser: false)).Problem.ShouldBe("unauthenticated", $"{operation} by {caller}");
            foreach (var wrong in (string[])[Secret[..^1], Secret + "x", Secret.ToUpperInvariant(), ""])
                (await boon.Api.Send(new(method), path.Replace("{module}", "identity", StringComparison.Ordinal), null, wrong))
                    .Problem.ShouldBe("unauthenticated", $"{operation} with {wrong}");
            (await boon.Api.Send(new(method), path.Replace("{module}", "identity", StringComparison.Ordinal), null, Secret))
                .Code.ShouldBe(200, $"{operation}");
            (await boon.Api.Send(new(method), path.Replace("{module}", "nothing", StringComparison.Ordinal), null, Secret))
                .Problem.ShouldBe("not-found", $"{operation}");
        }
        (await boon.Api.Get("/v1/users/me", Secret)).Code.ShouldBe(401);
        (await boon.Api.Get("/v1/events", Secret)).Code.ShouldBe(401);
    }

    private const string Secret = "the-secret-of-the-services-of-the-tests";

    /// <summary>Calls every operation of a host, or only one, as everybody, and answers what is not as the rows say.</summary>
    internal static async Task<List<string>> WrongAnswersAsync(TestBoon boon, IReadOnlyDictionary<string, string> rows, string? only = null)
    {
        var document = await ApiDocument.Of(boon);
        var calls = document.Operations.Select(operation => (Row: operation.Id, Operation: operation))
            .Concat(document.Operations.Where(operation =>
                operation.Parameters.Any(parameter => parameter.GetProperty("name").GetString() == "userId"))
                .Select(operation => (Row: $"{operation.Id}?userId", Operation: operation))).ToList();
        calls.Select(call => call.Row)
            .ShouldBe(rows.Keys, ignoreOrder: true, "each operation has a row in AccessMatrix, and each row an operation");

        var world = await World.Of(boon);
        var wrong = new List<string>();
        foreach (var (row, operation) in calls.Where(call => only is null || call.Row == only))
            foreach (var (caller, expected) in AccessMatrix.Callers.Zip(rows[row]))
            {
                var answer = await world.CallAsync(operation, caller, withUser: row.Contains('?', StringComparison.Ordinal));
                if (!IsExpected(answer, expected))
                    wrong.Add($"{row} by {caller}: {expected} expected, {answer.Code} {answer.Text[..Math.Min(200, answer.Text.Length)]}");
                else if (answer.Code >= 400 && !Describes(operation, answer))
                    wrong.Add($"{row} by {caller}: the document does not have {answer.Code} {answer.Problem}");
            }
        return wrong;
    }

    private static bool IsExpected(Answer answer, char expected) => expected switch
    {
        '1' => answer.Code == 401,
        '3' => answer is { Code: 403, Problem: "forbidden" },
        '4' => answer.Code == 404,
        _ => answer.Code is >= 200 and < 300 or 409,
    };

    private static bool Describes(ApiOperation operation, Answer answer) =>
        operation.Answers.TryGetValue($"{answer.Code}", out var described) && described.GetProperty("description").GetString()!.Contains(
            $"`{answer.Problem}`", StringComparison.Ordinal);

    /// <summary>A host with one of everything, and everybody who can call.</summary>
    private sealed class World(TestBoon boon, Guid member, Dictionary<string, string?> tokens, Dictionary<string, string> things)
    {
        internal static async Task<World> Of(TestBoon boon)
        {
            var by = await boon.OperatorToken();
            var seeded = await boon.SeedMembers(2);
            var (member, token) = seeded[0];
            var reward = await boon.CreateReward();
            async Task<string> Made(Task<Answer> call)
            {
                var answer = await call;
                answer.Code.ShouldBeInRange(200, 202, answer.Text);
                return answer.Body.TryGetProperty("id", out var id) ? id.GetString()! : "";
            }
            await Made(boon.Api.Put("/v1/coupon-types/SUMMER", new { perUser = (int?)null }, by));
            object Coupon(string code) =>
                new { code, type = "SUMMER", discount = new { kind = "percent", value = 10 }, expiresAt = "2090-01-01T00:00:00Z",
                maxUses = 100 };
            await Made(boon.Api.Post(
                "/v1/coupons", new
                { coupons = new[] { Coupon("SUMMER-30") }.Concat(Enumerable.Range(0, 20).Select(i => Coupon($"SUMMER-{i + 100}"))) }, by));
            var key = (await boon.Api.Post("/v1/api-keys", new { name = "a shop" }, by))["key"].GetString();
            var things = new Dictionary<string, string>
            {
                ["getUser"] = member.ToString(),
                ["setRoles"] = (await boon.SeedMembers(1))[0].Id.ToString(),
                ["campaign"] = (await boon.CreateCampaign()).ToString(),
                ["quest"] = (await boon.CreateQuest(new { rewardId = reward })).ToString(),
                ["getReward"] = reward.ToString(),
                ["getClaim"] = await Made(boon.Api.Post("/v1/claims", new { type = "SUMMER" }, token)),
                ["releaseRedemption"] = await Made(
                    boon.Api.Post("/v1/redemptions", new { code = "SUMMER-30", amount = 100, currency = "USD" }, token)),
                ["order"] = await Made(
                    boon.Api.Post("/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" } }, token)),
                ["revokeApiKey"] = await Made(boon.Api.Post("/v1/api-keys", new { name = "another shop" }, by)),
            };
            var tokens = new Dictionary<string, string?>
            {
                ["nobody"] = null,
                ["member"] = token,
                ["another member"] = seeded[1].Token,
                ["operator"] = by,
                ["API key"] = key,
                ["expired"] = Expired(boon, member),
                ["signed out"] = await Ended(boon, "/v1/sessions/current"),
                ["erased"] = await Ended(boon, "/v1/users/me"),
            };
            return new World(boon, member, tokens, things);
        }

        private static string Expired(TestBoon boon, Guid member)
        {
            var options = boon.Services.GetRequiredService<TokenOptions>();
            var long_ago = TimeProvider.System.GetUtcNow() - options.Lifetime - TimeSpan.FromMinutes(10);
            return AccessTokenIssuer.Issue(
                boon.Services.GetRequiredService<SigningKeys>().Current,
                AccessToken.New(member, Guid.CreateVersion7(), ["member", "operator"], long_ago, options), options);
        }

        /// <summary>The token of a real session that has ended.</summary>
        private static async Task<string> Ended(TestBoon boon, string how)
        {
            var (_, username, password) = await boon.Register();
            var token = await boon.Api.SignIn(username, password);
            var answer = await boon.Api.Raw(
                HttpMethod.Delete, how, how.EndsWith("/me", StringComparison.Ordinal)
                ? $$"""{"currentPassword":"{{password}}"}""" : "", token);
            answer.Code.ShouldBe(204, answer.Text);
            return token;
        }

        internal async Task<Answer> CallAsync(ApiOperation operation, string caller, bool withUser)
        {
            var token = tokens[caller];
            // Who is let in here is gone afterwards: somebody new each time.
            string? password = null;
            if (operation.Id is "eraseUser" or "signOut" && caller is "member" or "another member" or "operator")
            {
                (var id, _, password) = await boon.Register();
                token = boon.TokenOf(id, caller == "operator" ? ["operator"] : []);
            }
            var path = operation.Path.Replace("{id}", ThingOf(operation), StringComparison.Ordinal)
                .Replace("{name}", "SPRING", StringComparison.Ordinal)
                .Replace("{module}", "identity", StringComparison.Ordinal) + (withUser ? $"?userId={member}" : "");
            if (!operation.Takes.TryGetValue("application/json", out var media))
                return await boon.Api.Send(new HttpMethod(operation.Method), path, null, token);
            var body = JsonNode.Parse(media.GetProperty("example").GetRawText())!.AsObject();
            if (password is not null && operation.Id == "eraseUser")
                body["currentPassword"] = password;
            if (body.ContainsKey("rewardId"))
                body["rewardId"] = things["getReward"];
            return await boon.Api.Raw(new HttpMethod(operation.Method), path, body.ToJsonString(), token);
        }

        private string ThingOf(ApiOperation operation) =>
            things.TryGetValue(operation.Id, out var thing) ? thing
            : operation.Path.StartsWith("/v1/campaigns/", StringComparison.Ordinal) ? things["campaign"]
            : operation.Path.StartsWith("/v1/quests/", StringComparison.Ordinal) ? things["quest"]
            : operation.Path.StartsWith("/v1/orders/", StringComparison.Ordinal) ? things["order"]
            : $"{Guid.CreateVersion7()}";
    }
}
