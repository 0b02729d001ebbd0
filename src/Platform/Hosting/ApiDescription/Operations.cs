using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json;
using Boon.Platform.Access;
using Boon.Platform.Http;
using Boon.Platform.Units;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>Describes operations: their names, who may call, parameters, and every refusal with its codes.</summary>
internal static class Operations
{
    private const string ProblemType = "application/problem+json";

    /// <summary>Seconds that a wait can be.</summary>
    private const int LongestWait = 30;

    internal static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.OperationId = NameOf(metadata.OfType<MethodInfo>().First());
        await DescribeCallersAsync(operation, context, metadata);
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            Parameters.Describe(parameter, context);
        DescribeHeaders(operation, metadata);
        DescribeMediaTypes(operation.RequestBody?.Content, metadata.OfType<IAcceptsMetadata>().FirstOrDefault()?.RequestType);
        foreach (var answer in operation.Responses ?? [])
            DescribeMediaTypes(answer.Value.Content, null);
        Answers.Describe(operation, metadata);
        await DescribeRefusalsAsync(operation, context, metadata, ct);
    }

    /// <summary>
    /// Verb and noun: the name of the class, which is that of the file; where a file has two endpoints, the name of the method.
    /// </summary>
    private static string NameOf(MethodInfo handler)
    {
        var name = handler.Name == "Handle" ? handler.DeclaringType!.Name : handler.Name;
        if (name.Contains('<', StringComparison.Ordinal))
            throw new InvalidOperationException($"An endpoint of {handler.DeclaringType} has no name: make its lambda a method.");
        return JsonNamingPolicy.CamelCase.ConvertName(name.EndsWith("Async", StringComparison.Ordinal) ? name[..^"Async".Length] : name);
    }

    private static async Task DescribeCallersAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, IList<object> metadata)
    {
        var policies = context.ApplicationServices.GetRequiredService<IAuthorizationPolicyProvider>();
        var schemes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in metadata.OfType<IAuthorizeData>().Select(data => data.Policy!))
        {
            var asked = (await policies.GetPolicyAsync(name))!.AuthenticationSchemes;
            schemes.UnionWith(asked.Count > 0 ? asked : [ApiDocument.Bearer]);
            // Other policies are not a role: their endpoints say who may call.
            if (name is Caller.Member or Caller.Operator)
                operation.Description = $"{operation.Description} Needs the role `{name}`.".Trim();
        }
        if (schemes.Count > 0)
            operation.Security =
                [.. schemes.Select(scheme => new OpenApiSecurityRequirement
                { [new OpenApiSecuritySchemeReference(scheme, context.Document)] = [] })];
    }

    private static void DescribeHeaders(OpenApiOperation operation, IList<object> metadata)
    {
        if (metadata.OfType<IdempotentEndpoint>().Any())
            Add("Idempotency-Key", "Up to 255 printable ASCII characters: the same key and body give the first answer again, for 24 hours.",
                new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = IdempotencyHeader.LongestKey,
                    Pattern = "^[ -~]+$" }, "order-4711");
        if (metadata.OfType<TakesReason>().Any() && metadata.OfType<IAuthorizeData>().Any(data => data.Policy != Caller.Member))
            Add(ReasonHeader.Name, "Why this is done, for the audit: kept with the events that it causes. Nothing personal belongs here.",
                new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = ReasonHeader.Longest }, "Ticket 4711");
        if (metadata.OfType<PreferWait>().FirstOrDefault() is { } wait)
            Add("Prefer", $"`wait=10` (RFC 7240): waits up to so many seconds, at most {LongestWait}, {wait.Meaning}.",
                new OpenApiSchema { Type = JsonSchemaType.String }, "wait=10");

        void Add(string name, string description, OpenApiSchema schema, string example)
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = name, In = ParameterLocation.Header, Description = description, Schema = schema, Example = JsonValue.Create(example),
            });
        }
    }

    /// <summary>Media types that are not JSON are texts; a batch is an array of what one is.</summary>
    private static void DescribeMediaTypes(IDictionary<string, OpenApiMediaType>? content, Type? body)
    {
        var example = body is null ? null : XmlComments.Example(body);
        foreach (var (type, media) in content ?? new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal))
            if (type.StartsWith("text/", StringComparison.Ordinal) || type == "application/x-ndjson")
                media.Schema = new OpenApiSchema { Type = JsonSchemaType.String };
            else if (type.EndsWith("-batch+json", StringComparison.Ordinal))
                (media.Schema, media.Example) =
                    (new OpenApiSchema { Type = JsonSchemaType.Array, Items = media.Schema }, example is null
                    ? null : JsonNode.Parse($"[{example}]"));
            else if (example is not null)
                media.Example = JsonNode.Parse(example);
    }

    private static async Task DescribeRefusalsAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, IList<object> metadata, CancellationToken ct)
    {
        operation.Responses ??= [];
        foreach (var status in Known(operation, metadata).Concat(metadata.OfType<Refusal>()).GroupBy(refusal => refusal.Status)
            .OrderBy(status => status.Key))
        {
            var codes = status.SelectMany(refusal => refusal.Codes).Distinct(StringComparer.Ordinal).ToList();
            var document = await DocumentAsync(
                context, status.Select(refusal => refusal.Document).FirstOrDefault(type => type is not null) ?? typeof(Problem), ct);
            operation.Responses[$"{status.Key}"] = Of(document, string.Join(", ", codes.Select(code => $"`{code}`")), status.Key, codes);
        }
        operation.Responses["default"] = Of(
            await DocumentAsync(context, typeof(Problem), ct), "Any other refusal: see `code`.", StatusCodes.Status500InternalServerError,
            ["internal-error"]);
    }

    private static async Task<OpenApiSchemaReference> DocumentAsync(
        OpenApiOperationTransformerContext context, Type type, CancellationToken ct)
    {
        context.Document!.AddComponent(type.Name, await context.GetOrCreateSchemaAsync(type, null, ct));
        return new OpenApiSchemaReference(type.Name, context.Document);
    }

    /// <summary>The refusals that follow from what an endpoint is.</summary>
    private static IEnumerable<Refusal> Known(OpenApiOperation operation, IList<object> metadata)
    {
        yield return new(StatusCodes.Status400BadRequest, ["invalid-request", "validation-failed", "unknown-parameter"]);
        if (operation.RequestBody is null)
            yield return new(StatusCodes.Status400BadRequest, ["unexpected-body"]);
        if (metadata.OfType<IAuthorizeData>().Any())
            yield return new(StatusCodes.Status401Unauthorized, ["unauthenticated"]);
        if (metadata.OfType<IAuthorizeData>().Any(data => data.Policy != Caller.Member))
        {
            yield return new(StatusCodes.Status403Forbidden, ["forbidden"]);
            yield return new(StatusCodes.Status503ServiceUnavailable, ["access-stale"]);
        }
        if (operation.Parameters?.Any(Parameters.NamesSomething) == true)
            yield return new(StatusCodes.Status404NotFound, ["not-found"]);
        if (operation.RequestBody is not null)
        {
            yield return new(StatusCodes.Status400BadRequest, ["invalid-json"]);
            yield return new(StatusCodes.Status408RequestTimeout, ["request-timeout"]);
            yield return new(StatusCodes.Status413PayloadTooLarge, ["body-too-large"]);
            yield return new(StatusCodes.Status415UnsupportedMediaType, ["unsupported-media-type"]);
        }
        if (metadata.OfType<IdempotentEndpoint>().Any())
        {
            yield return new(StatusCodes.Status409Conflict, [IdempotencyException.InFlight]);
            yield return new(StatusCodes.Status422UnprocessableEntity, [IdempotencyException.Mismatch]);
        }
        if (metadata.OfType<PreferWait>().Any())
            yield return new(StatusCodes.Status429TooManyRequests, ["too-many-waits"]);
        // The gateway's, before any call.
        yield return new(StatusCodes.Status429TooManyRequests, [Problems.TooManyRequests]);
        yield return new(StatusCodes.Status503ServiceUnavailable, [Problems.DatabaseUnavailable, Problems.ModuleUnavailable]);
    }

    private static OpenApiResponse Of(OpenApiSchemaReference document, string description, int status, List<string> codes)
    {
        var response = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                [ProblemType] = new OpenApiMediaType
                {
                    Schema = document,
                    Examples = codes.ToDictionary(code => code, code => (IOpenApiExample)new OpenApiExample
                    {
                        Value = new JsonObject
                        {
                            ["type"] = $"urn:boon:error:{code}",
                            ["title"] = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status),
                            ["status"] = status,
                            ["detail"] = $"See {code} in the guide's list of errors.",
                            ["code"] = code,
                        },
                    }, StringComparer.Ordinal),
                },
            },
        };
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            response.Headers = new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal)
            {
                ["Retry-After"] = new OpenApiHeader
                    { Description = "Seconds until a new try makes sense.", Schema = new OpenApiSchema
                    { Type = JsonSchemaType.Integer, Minimum = "1" } },
            };
        return response;
    }
}
