using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>The OpenAPI document: complete, and true.</summary>
public sealed partial class ApiDocumentTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    /// <summary>Codes that every operation can have, or that no operation has.</summary>
    private static readonly string[] Undescribed = ["internal-error", "method-not-allowed"];

    private readonly TestBoon boon = shared.Boon;

    [Fact]
    public async Task Every_operation_says_what_it_is_called_who_calls_it_and_how_it_refuses()
    {
        var document = await ApiDocument.Of(boon);
        document.Operations.Select(operation => operation.Id).ShouldBeUnique();
        foreach (var operation in document.Operations)
        {
            operation.Id.ShouldMatch("^[a-z]+([A-Z][a-z]+)+$|^signIn$|^signOut$", $"{operation}");
            operation.Body.GetProperty("summary").GetString().ShouldNotBeNullOrEmpty($"{operation}");
            operation.Body.GetProperty("tags").GetArrayLength().ShouldBe(1, $"{operation}");
            operation.Answers.Keys.ShouldContain(status => status.StartsWith('2'), $"{operation}");
            operation.Answers.Keys.ShouldContain(status => status.StartsWith('4'), $"{operation}");
            foreach (var (status, answer) in operation.Answers)
                if (status is "default" || status[0] is '4' or '5')
                    ShouldBeProblem(answer, $"{operation} {status}");
                else if (answer.TryGetProperty("content", out var content))
                    foreach (var type in content.EnumerateObject())
                        (type.Name.EndsWith("json", StringComparison.Ordinal) == type.Value.GetProperty("schema")
                            .TryGetProperty("$ref", out _) || type.Name == "application/x-ndjson")
                            .ShouldBeTrue($"{operation} {status} {type.Name}: a named schema for JSON, a text for others");
            var open = !operation.Body.TryGetProperty("security", out _);
            operation.Answers.ContainsKey("401").ShouldBe(!open || operation.Id is "signIn" or "refreshSession", $"{operation}");
        }
        static void ShouldBeProblem(JsonElement answer, string where)
        {
            var type = answer.GetProperty("content").EnumerateObject().ShouldHaveSingleItem();
            type.Name.ShouldBe("application/problem+json", where);
            type.Value.GetProperty("schema").GetProperty("$ref").GetString().ShouldEndWith("Problem", Case.Sensitive, where);
            foreach (var example in type.Value.GetProperty("examples").EnumerateObject())
                example.Value.GetProperty("value").GetProperty("code").GetString().ShouldBe(example.Name, where);
        }
    }

    [Fact]
    public async Task Every_parameter_and_member_has_a_type_and_says_what_it_is()
    {
        var document = await ApiDocument.Of(boon);
        foreach (var operation in document.Operations)
        {
            foreach (var parameter in operation.Parameters)
            {
                parameter.GetProperty("description").GetString().ShouldNotBeNullOrEmpty($"{operation} {parameter}");
                ShouldBeTyped(parameter.GetProperty("schema"), $"{operation} {parameter}");
                parameter.GetProperty("name").GetString()!
                    .ShouldMatch("^[a-z][A-Za-z]+$|^Idempotency-Key$|^Boon-Reason$|^Prefer$", $"{operation}");
            }
            foreach (var (type, media) in operation.Takes)
            {
                ShouldBeTyped(media.GetProperty("schema"), $"{operation} {type}");
                (type.EndsWith("json", StringComparison.Ordinal) != (
                    media.GetProperty("schema").TryGetProperty("type", out var kind) && kind.GetString() == "string"))
                    .ShouldBeTrue($"{operation} {type}");
            }
        }
        foreach (var (name, schema) in document.Schemas)
        {
            name.ShouldMatch("^[A-Z][A-Za-z]+$");
            name.ShouldNotBeOneOf("Request", "View", "Page");
            schema.GetProperty("description").GetString().ShouldNotBeNullOrEmpty(name);
            ShouldBeTyped(schema, name);
            foreach (var member in schema.GetProperty("properties").EnumerateObject())
                (member.Value.TryGetProperty("description", out _) || member.Value.TryGetProperty("$ref", out _)
                    || member.Value.TryGetProperty("allOf", out _)).ShouldBeTrue($"{name}.{member.Name} has a description");
        }
        static void ShouldBeTyped(JsonElement schema, string where)
        {
            if (schema.TryGetProperty("$ref", out _))
                return;
            schema.TryGetProperty("type", out var type).ShouldBeTrue($"{where} has a type: {schema}");
            type.ValueKind.ShouldBe(JsonValueKind.String, where);
            if (type.GetString() is "integer" or "number")
                schema.TryGetProperty("format", out _).ShouldBeTrue($"{where}: a number has a format");
            if (type.GetString() == "array")
                ShouldBeTyped(schema.GetProperty("items"), $"{where}[]");
            foreach (var member in schema.TryGetProperty("properties", out var members) ? members.EnumerateObject() : default)
                ShouldBeTyped(member.Value, $"{where}.{member.Name}");
        }
    }

    [Fact]
    public async Task Headers_security_and_servers_are_what_they_are()
    {
        var document = await ApiDocument.Of(boon);
        document.Operations.Where(operation => operation.TakesHeader("Idempotency-Key")).Select(operation => operation.Id).ShouldBe(
            ["registerUser", "createCampaign", "uploadCoupons", "claimCoupon", "redeemCode", "createReward", "createQuest", "claimReward",
                "placeOrder", "reportEvents"], ignoreOrder: true);
        document.Operations.Where(operation => operation.TakesHeader("Prefer")).Select(operation => operation.Id).ShouldBe(
            ["getClaim", "getOrder", "getCampaign", "listDecisions", "listVouchers", "listCoupons", "getProgress", "getSteps",
                "listReceived", "listCompletions", "getWallet", "listEntries"], ignoreOrder: true);
        document.Operations.Single(operation => operation.Id == "reportEvents").Body.GetProperty("security").EnumerateArray()
            .Select(one => one.EnumerateObject().Single().Name).ShouldBe(["Bearer", "ApiKey"], ignoreOrder: true);
        var elsewhere = await boon.Api.Send(
            HttpMethod.Get, "/openapi/v1.json", null, null, change: request => request.Headers.Host = "evil.example");
        elsewhere["servers"].EnumerateArray().ShouldHaveSingleItem().GetProperty("url").GetString().ShouldBe("/");
    }

    /// <summary>
    /// Each code that the code answers with stands in the document and in the guide, and the guide lists none that is not in the code.
    /// </summary>
    [Fact]
    public async Task Every_code_is_in_the_document_and_in_the_guide()
    {
        var document = await ApiDocument.Of(boon);
        var answers = document.Operations.SelectMany(operation => operation.Answers).Where(answer => answer.Key != "default")
            .SelectMany(answer => CodeName.Matches(answer.Value.GetProperty("description").GetString()!)
                .Select(match => (Code: match.Groups[1].Value, Status: answer.Key))).ToHashSet();
        var source = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => CodeInSource.Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value)).ToHashSet();
        source.Count.ShouldBeGreaterThan(20);
        var guide = File.ReadLines(Path.Combine(Checkout.Root, "docs/guide/errors.md"))
            .Select(line => CodeInGuide.Match(line)).Where(match => match.Success)
                .Select(match => (Code: match.Groups[1].Value, Status: match.Groups[2].Value)).ToHashSet();
        source.Except(guide.Select(row => row.Code)).ShouldBeEmpty("codes that docs/guide/errors.md lacks");
        source.Except(answers.Select(answer => answer.Code)).Except(Undescribed)
            .ShouldBeEmpty("codes that no operation describes (.Refuses)");
        guide.Where(row => !Undescribed.Contains(row.Code))
            .ShouldBe(answers, ignoreOrder: true, "codes and statuses of docs/guide/errors.md are those of the document");
    }

    /// <summary>
    /// docs/guide/http-api.md has a row for each call, with K for those that take a key and W for those that can wait, and none too many.
    /// </summary>
    [Fact]
    public async Task The_guide_lists_every_call_and_none_too_many()
    {
        var document = await ApiDocument.Of(boon);
        var rows = File.ReadLines(Path.Combine(Checkout.Root, "docs/guide/http-api.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => CallInGuide.Matches(line).Select(match => (Call: match.Groups[1].Value, Line: line))).ToList();
        rows.Select(row => row.Call).Except(["GET /openapi/v1.json", "GET /docs"])
            .ShouldBe(document.Operations.Select(operation => $"{operation}"), ignoreOrder: true);
        foreach (var operation in document.Operations)
        {
            var words = rows.Single(row => row.Call == $"{operation}").Line.Split([' ', ';', '|'], StringSplitOptions.RemoveEmptyEntries);
            words.Contains("K").ShouldBe(operation.TakesHeader("Idempotency-Key"), $"K of {operation}");
            (words.Contains("W") || words.Contains("`Prefer:")).ShouldBe(operation.TakesHeader("Prefer"), $"W of {operation}");
        }
    }

    [Fact]
    public async Task Examples_are_taken_and_what_the_document_forbids_is_refused()
    {
        var document = await ApiDocument.Of(boon);
        var token = await boon.OperatorToken();
        foreach (var operation in document.Operations)
            if (operation.Takes.TryGetValue("application/json", out var media))
            {
                media.TryGetProperty("example", out var example).ShouldBeTrue($"{operation} has an example");
                var path = operation.Path.Replace("{id}", $"{Guid.CreateVersion7()}", StringComparison.Ordinal)
                    .Replace("{name}", "EXAMPLE", StringComparison.Ordinal);
                async Task<Answer> Send(string body) => await boon.Api.Raw(new HttpMethod(operation.Method), path, body, token);
                // What it names may not be there; the form is right.
                var taken = await Send(example.GetRawText());
                (taken.Headers.Location is not null).ShouldBe(taken.Code == 201, $"{operation} says where it is");
                (taken.Code is 200 or 201 or 202 or 401 or 404 or 409 || taken["errors"].TryGetProperty("rewardId", out _))
                    .ShouldBeTrue($"{operation}: its example gets {taken.Text}");
                if (operation.Id is "uploadCoupons" or "reportEvents")
                    continue; // read by code of their own, which has tests of its own
                foreach (var (what, member, bad) in Violations(document.Resolve(media.GetProperty("schema")), example))
                {
                    var refused = await Send(bad);
                    refused.Code.ShouldBe(400, $"{operation} with {member} {what}: {refused.Text}");
                    (refused.Problem == "invalid-json" || refused["errors"].EnumerateObject()
                        .Any(error => error.Name.Split('.')[0] == member))
                        .ShouldBeTrue($"{operation} with {member} {what} names it: {refused.Text}");
                }
            }
    }

    [Fact]
    public async Task Every_answer_has_an_example_that_its_schema_allows_and_what_is_created_has_an_address()
    {
        var document = await ApiDocument.Of(boon);
        foreach (var operation in document.Operations)
            foreach (var (status, answer) in operation.Answers.Where(one => one.Key[0] == '2'))
            {
                var located = answer.TryGetProperty("headers", out var headers) && headers.TryGetProperty("Location", out _);
                located.ShouldBe(status == "201" || (status == "202" && operation.Answers.ContainsKey("201")), $"{operation} {status}");
                if (!answer.TryGetProperty("content", out var content) || !content.TryGetProperty("application/json", out var media))
                    continue;
                media.TryGetProperty("example", out var example).ShouldBeTrue($"{operation} {status} has an example");
                ShouldFit(document, media.GetProperty("schema"), example, $"{operation} {status}");
            }
    }

    private static void ShouldFit(ApiDocument document, JsonElement schema, JsonElement value, string where)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            (schema.TryGetProperty("nullable", out var nullable) && nullable.GetBoolean()).ShouldBeTrue($"{where} cannot be null");
            return;
        }
        var real = document.Resolve(schema);
        var format = real.TryGetProperty("format", out var named) ? named.GetString() : null;
        switch (real.GetProperty("type").GetString())
        {
            case "object":
                foreach (var required in real.TryGetProperty("required", out var names) ? names.EnumerateArray() : default)
                    value.TryGetProperty(required.GetString()!, out _).ShouldBeTrue($"{where} has {required}");
                if (real.TryGetProperty("properties", out var members))
                    foreach (var member in value.EnumerateObject())
                    {
                        members.TryGetProperty(member.Name, out var of).ShouldBeTrue($"{where}.{member.Name} is known");
                        ShouldFit(document, of, member.Value, $"{where}.{member.Name}");
                    }
                break;
            case "array":
                foreach (var item in value.EnumerateArray())
                    ShouldFit(document, real.GetProperty("items"), item, $"{where}[]");
                break;
            case "string":
                (format switch { "uuid" => value.TryGetGuid(out _), "date-time" => value.TryGetDateTimeOffset(out _), _ =>
                    value.ValueKind == JsonValueKind.String })
                    .ShouldBeTrue($"{where} is {format ?? "a text"}: {value}");
                if (real.TryGetProperty("enum", out var allowed))
                    allowed.EnumerateArray().Select(one => one.GetString()).ShouldContain(value.GetString(), where);
                break;
            case "integer":
                value.TryGetInt64(out _).ShouldBeTrue(where);
                break;
            default:
                value.ValueKind.ShouldBeOneOf([JsonValueKind.True, JsonValueKind.False], where);
                break;
        }
    }

    /// <summary>The example with one member beyond what its schema allows.</summary>
    private static IEnumerable<(string What, string Member, string Body)> Violations(JsonElement schema, JsonElement example)
    {
        foreach (var required in schema.TryGetProperty("required", out var names)
            ? names.EnumerateArray().Select(name => name.GetString()!) : [])
        {
            var without = JsonNode.Parse(example.GetRawText())!.AsObject();
            without.Remove(required).ShouldBeTrue($"the example has {required}");
            yield return ("left out", required, without.ToJsonString());
        }
        foreach (var member in schema.GetProperty("properties").EnumerateObject())
        {
            string With(JsonNode value)
            {
                var changed = JsonNode.Parse(example.GetRawText())!.AsObject();
                changed[member.Name] = value;
                return changed.ToJsonString();
            }
            if (member.Value.TryGetProperty("minLength", out var shortest) && shortest.GetInt32() > 0)
                yield return ("too short", member.Name, With(new string('x', shortest.GetInt32() - 1)));
            if (member.Value.TryGetProperty("maxLength", out var longest))
                yield return ("too long", member.Name, With(new string('x', longest.GetInt32() + 1)));
            if (member.Value.TryGetProperty("minimum", out var least))
                yield return ("too small", member.Name, With(least.GetInt64() - 1));
            if (member.Value.TryGetProperty("maximum", out var most))
                yield return ("too large", member.Name, With(most.GetInt64() + 1));
            if (member.Value.TryGetProperty("enum", out _) || member.Value.TryGetProperty("pattern", out _))
                yield return ("as another text", member.Name, With("no such thing"));
            if (member.Value.TryGetProperty("items", out var items) && items.TryGetProperty("enum", out _))
                yield return ("with another text", member.Name, With(new JsonArray("no such thing")));
            if (member.Value.TryGetProperty("type", out var type))
                yield return ("of another type", member.Name, With(type.GetString() == "boolean" ? 1 : true));
        }
    }

    [GeneratedRegex("`([a-z-]+)`")]
    private static partial Regex CodeName { get; }

    /// <summary>A code where it is answered with, or where it is named.</summary>
    [GeneratedRegex(
        "(?:Problems\\.(?:Of|RetryLater)\\([^;]*?|The code of [^\\n]*\\s+(?:public|internal) const string \\w+ = )\"([a-z][a-z-]+)\"")]
    private static partial Regex CodeInSource { get; }

    [GeneratedRegex("`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`")]
    private static partial Regex CallInGuide { get; }

    [GeneratedRegex("^\\| `([a-z-]+)` \\| ([0-9]{3}) \\|")]
    private static partial Regex CodeInGuide { get; }
}
