using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Boon.Support;

namespace Boon.Scenarios.Fuzzing;

/// <summary>A request as the fuzzer made it: nothing in it is random any more, so it can be sent again.</summary>
internal sealed record FuzzRequest(string Method, string Url, byte[]? Body, Dictionary<string, string> Headers, string Caller)
{
    public override string ToString() =>
        $"{Method} {Cut(Url)} as {Caller} [{string.Join("; ", Headers.Select(one => $"{one.Key}: {Cut(one.Value)}"))}] "
            + $"{(Body is null ? "" : Cut(Encoding.UTF8.GetString(Body)))}";

    private static string Cut(string text) => text.Length <= 400 ? text : text[..400] + $"... ({text.Length})";
}

/// <summary>
/// Makes requests from the OpenAPI document: mostly good ones with something wrong. The same seed makes the same requests.
/// </summary>
internal sealed class RequestMaker(ApiDocument document, IReadOnlyList<string> ids)
{
    internal static readonly string[] ContentTypes =
    [
        "application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json; charset=bogus",
        "application/json; charset=utf-16", "application/json; charset=\"\"",
        "application/json; charset=", "application/vnd.api+json", "application/cloudevents+json", "application/cloudevents-batch+json",
        "text/csv", "text/csv; charset=latin1", "text/plain",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "image/png", "*/*", "", ";", "json",
        "application/json, text/csv",
    ];

    private static readonly string[] Texts =
    [
        "", " ", "\t", "a", "\u0000", "a\u0000b", "\uFFFE", "\uFFFF", "\u200B", "\u202Eabc", "e\u0301", "😀", "👩\u200D💻", "İ", "straße",
        "\u001B[31m", "'; drop table x; --", "%00", "../../etc/passwd", "{}", "null",
        "-1", "1e999", "NaN", "2026-02-30", "9999-12-31T23:59:59.9999999+14:00", "0001-01-01T00:00:00-14:00", "P99999D", "USD", "usd",
        "external.a.b", "identity.user-signed-in", "a.b", "quests.x",
        "active", "draft", "ended", "coupon:FREE", "gold", "percent", "fixed", "a@b.example", "+15550001111", "a long enough phrase",
        "https://example.com/?a=b#c", "\\\"", "<script>", "Europe/Amsterdam", "day",
    ];

    private static readonly string[] Numbers =
    [
        "0", "-0", "1", "-1", "2", "100", "1.0", "1e2", "0.5", "1.5e1", "2147483647", "2147483648", "-2147483649", "9223372036854775807",
        "9223372036854775808", "1e400", "1E99999999999", "-1e-99999",
        "123456789012345678901234567890", "999999999999999",
    ];

    private static readonly string[] Headers =
        ["Idempotency-Key", "Prefer", "If-None-Match", "Content-Encoding", "Accept", "X-Forwarded-For", "traceparent", "Expect", "Range",
        "Origin", "Accept-Encoding", "Cookie"];

    internal FuzzRequest Make(Random random)
    {
        var operation = document.Operations[random.Next(document.Operations.Count)];
        var method = random.Next(20) == 0
            ? Pick(random, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]) : operation.Method == "GET"
            && random.Next(8) == 0 ? "HEAD" : operation.Method;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var more = random.Next(4); more == 3; more = random.Next(4))
            headers[Pick(random, Headers)] = HeaderValue(random);
        var body = Body(operation, random, headers);
        return new FuzzRequest(
            method, Url(operation, random), body, headers,
            Pick(random, ["nobody", "member", "member", "member", "operator", "operator", "operator", "key", "forged"]));
    }

    private static string HeaderValue(Random random) =>
        Pick(random,
        ["wait=1", "wait=-1", "wait=x", "*", "\"x\"", "gzip", "identity", "text/html", "a", "", new string('k', 300),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "bytes=0-1", "10.0.0.1, ::1", "e\u0301"]);

    private string Url(ApiOperation operation, Random random)
    {
        var path = string.Join(
            '/', operation.Path.Split('/')
            .Select(part => part.StartsWith('{') ? Segment(random) : random.Next(200) == 0 ? part.ToUpperInvariant() : part));
        var query = new List<string>();
        foreach (var parameter in operation.Parameters.Where(one => one.GetProperty("in").GetString() == "query"))
            if (random.Next(3) == 0)
                query.Add($"{parameter.GetProperty("name").GetString()}={Argument(random)}");
        if (random.Next(15) == 0)
            query.Add(Pick(random,
                ["unknown=1", "limit=1&limit=2", "&", "=", "=x", "%", "%00=1", "a[]=b", "?", "%FF=%FE", new string('q', 3000)]));
        return path + (query.Count == 0 ? random.Next(100) == 0 ? "?" : "" : "?" + string.Join('&', query));
    }

    private string Segment(Random random) => random.Next(4) switch
    {
        0 or 1 => Pick(random, ids),
        2 => new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))]).ToString(),
        _ => Pick(random, ["x", "-", "%20", "%FF", "%2F", "%00", "..%2f..", "%C0%AF", "%E2%80%8B", "FREE", "identity", "intake", "0",
            new string('a', 2000), "%F0%9F%98%80", "me", "a%0Ab", "%25", "a;b=c", "~"]),
    };

    private string Argument(Random random) => random.Next(3) switch
    {
        0 => Pick(random, ids),
        1 => Uri.EscapeDataString(Pick(random, Numbers)),
        _ => Pick(random, [.. Texts.Where(text => !text.Contains('\uFFFE') && !text.Contains('\uFFFF')).Select(Uri.EscapeDataString),
            "%FF", "%", "%zz", "eyJpZGVudGl0eSI6MX0", "bnVsbA", "W10", "MQ", new string('A', 3000)]),
    };

    private byte[]? Body(ApiOperation operation, Random random, Dictionary<string, string> headers)
    {
        if (operation.Takes.Count == 0 && random.Next(20) != 0)
            return null;
        var (type, media) = operation.Takes.Count == 0
            ? new KeyValuePair<string, JsonElement>("application/json", default) : operation.Takes.ElementAt(
                random.Next(operation.Takes.Count));
        if (random.Next(15) == 0)
            type = Pick(random, ContentTypes);
        if (random.Next(40) != 0)
            headers["Content-Type"] = type;
        var text = random.Next(25) == 0
            ? Pick(random,
            ["", "null", "[]", "{}", "1", "\"x\"", "true", "{", "{\"a\":", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", "\uFEFF{}", "{}{}",
            "{\"a\":1,}", "// x"])
            : type.StartsWith("text/csv", StringComparison.Ordinal) ? Csv(random)
            : media.ValueKind == JsonValueKind.Object ? Value(media.GetProperty("schema"), random, depth: 0, name: "") : "{}";
        var body = Encoding.UTF8.GetBytes(text);
        if (random.Next(12) == 0 && body.Length > 0)
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
        return random.Next(30) == 0 ? body[..random.Next(body.Length + 1)] : body;
    }

    private static string Csv(Random random)
    {
        var csv = new StringBuilder(
            random.Next(10) == 0
            ? Pick(random, ["", ",,,", "code", "\"", "code,code,type"]) : "code,type,discountKind,discountValue,currency,expiresAt,maxUses")
            .Append('\n');
        for (var row = random.Next(4); row > 0; row--)
        {
            csv.Append(CultureInfo.InvariantCulture, $"C{random.Next()},{(random.Next(5) == 0 ? Pick(random, Texts) : "")},percent,");
            csv.Append(CultureInfo.InvariantCulture, $"{Pick(random, Numbers)},{(random.Next(4) == 0 ? Pick(random, Texts) : "")},");
            csv.Append(CultureInfo.InvariantCulture, $"2090-01-01T00:00:00Z,{Pick(random, ["", "1", "x", "\"1", "\"\"\""])}\n");
        }
        return csv.ToString();
    }

    /// <summary>A value of a schema, as JSON text, or one in ten times something else.</summary>
    private string Value(JsonElement given, Random random, int depth, string name)
    {
        var schema = document.Resolve(given);
        if (random.Next(12) == 0 || depth > 6)
            return Nasty(random);
        if (schema.TryGetProperty("enum", out var allowed))
            return allowed[random.Next(allowed.GetArrayLength())].GetRawText();
        if (schema.TryGetProperty("example", out var example) && random.Next(3) == 0)
            return example.GetRawText();
        return (schema.TryGetProperty("type", out var type) ? type.GetString() : "object") switch
        {
            "integer" or "number" => random.Next(2) == 0 ? Pick(random, Numbers) : $"{random.Next(1, 50)}",
            "boolean" => random.Next(2) == 0 ? "true" : "false",
            "array" => "[" + string.Join(',', Enumerable.Range(0, random.Next(4))
                .Select(_ => Value(schema.GetProperty("items"), random, depth + 1, name))) + "]",
            "string" => JsonSerializer.Serialize(Text(schema, random, name), JsonSerializerOptions.Default),
            _ => Object(schema, random, depth),
        };
    }

    private string Object(JsonElement schema, Random random, int depth)
    {
        var required = schema.TryGetProperty("required", out var names)
            ? names.EnumerateArray().Select(one => one.GetString()).ToHashSet() : [];
        var members = new List<string>();
        foreach (var member in schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().ToList() : [])
            if (random.Next(20) == 0 ? !required.Contains(member.Name) : required.Contains(member.Name) || random.Next(3) == 0)
                members.Add($"\"{member.Name}\":{Value(member.Value, random, depth + 1, member.Name)}");
        if (members.Count == 0 || random.Next(25) == 0)
            members.Add($"{JsonSerializer.Serialize(Pick(random, Texts), JsonSerializerOptions.Default)}:{Nasty(random)}");
        if (random.Next(30) == 0)
            members.Add(members[0]);
        return $"{{{string.Join(',', members)}}}";
    }

    private string Text(JsonElement schema, Random random, string name)
    {
        if (random.Next(4) == 0)
            return random.Next(10) == 0 ? new string('t', random.Next(70_000)) : Pick(random, Texts);
        return (schema.TryGetProperty("format", out var format) ? format.GetString() : name) switch
        {
            "uuid" => Pick(random, ids),
            "date-time" => Pick(random,
                ["2030-01-01T00:00:00Z", "2020-01-01T00:00:00+01:00", "2090-12-31T23:59:59.999999999-23:59", "2026-13-01T00:00:00Z"]),
            "date" => Pick(random, ["2000-01-01", "1899-12-31", "2026-02-29"]),
            "username" => $"u{random.Next()}",
            "email" => $"u{random.Next()}@example.com",
            "phone" => $"+1555{random.Next(1_000_000, 9_999_999)}",
            "password" => "a long enough phrase",
            "trigger" => Pick(random, ["external.fuzz", "external.fuzz.v1", "identity.user-signed-in", "wallet.reward-credited"]),
            "type" => Pick(random, ["fuzz.v1", "fuzz", "FREE", "PACED"]),
            "voucherValidFor" => Pick(random, ["P30D", "PT1S", "P10Y"]),
            "currency" => Pick(random, ["USD", "EUR", "XXX"]),
            _ => $"{name}{random.Next(1000)}",
        };
    }

    private static string Nasty(Random random) => random.Next(4) switch
    {
        0 => Pick(random, Numbers),
        1 => JsonSerializer.Serialize(Pick(random, Texts), JsonSerializerOptions.Default),
        2 => Pick(random, ["null", "true", "{}", "[]", "[null]", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "{\"a\":{\"b\":[1,{}]}}",
            "\"\\ud800\"", "\"\\u0000\"", "{\"\":1}", "{\"\\ud800\":1}", "{\"a\":1,\"a\":2}"]),
        _ => JsonNode.Parse("\"" + new string('x', random.Next(300)) + "\"")!.ToJsonString(),
    };

    private static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
