using System.Text.Json;

namespace Boon.Support;

/// <summary>An operation of the OpenAPI document.</summary>
public sealed record ApiOperation(string Method, string Path, JsonElement Body)
{
    public string Id => Body.GetProperty("operationId").GetString()!;

    public IEnumerable<JsonElement> Parameters => Body.TryGetProperty("parameters", out var all) ? all.EnumerateArray() : [];

    /// <summary>The media types that it takes as body, each with its description.</summary>
    public IReadOnlyDictionary<string, JsonElement> Takes =>
        Body.TryGetProperty("requestBody", out var body)
            ? body.GetProperty("content").EnumerateObject().ToDictionary(type => type.Name, type => type.Value) : [];

    public IReadOnlyDictionary<string, JsonElement> Answers =>
        Body.GetProperty("responses").EnumerateObject().ToDictionary(status => status.Name, status => status.Value);

    /// <summary>Name of a header that it takes.</summary>
    public bool TakesHeader(string name) =>
        Parameters.Any(parameter => parameter.GetProperty("in").GetString() == "header" && parameter.GetProperty("name")
        .GetString() == name);

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>The OpenAPI document of a host, as its clients see it.</summary>
public sealed class ApiDocument(JsonElement root)
{
    public JsonElement Root => root;

    public static async Task<ApiDocument> Of(TestBoon boon) => new((await boon.Api.Get("/openapi/v1.json")).Body);

    public IReadOnlyList<ApiOperation> Operations { get; } =
        [.. root.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()
            .Select(verb => new ApiOperation(verb.Name.ToUpperInvariant(), path.Name, verb.Value)))];

    public IReadOnlyDictionary<string, JsonElement> Schemas { get; } =
        root.GetProperty("components").GetProperty("schemas").EnumerateObject().ToDictionary(schema => schema.Name, schema => schema.Value);

    /// <summary>A schema itself, or the one that it refers to.</summary>
    public JsonElement Resolve(JsonElement schema) =>
        schema.TryGetProperty("$ref", out var reference) ? Schemas[reference.GetString()!.Split('/')[^1]]
        : schema.TryGetProperty("allOf", out var all) ? Resolve(all[0]) : schema;
}
