using System.Text.Json.Nodes;
using Boon.Platform.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// Describes what an operation answers when it does what was asked: an example of it, and the header that says where what was created is.
/// </summary>
internal static class Answers
{
    private static readonly string Created = $"{StatusCodes.Status201Created}";
    private static readonly string Accepted = $"{StatusCodes.Status202Accepted}";

    internal static void Describe(OpenApiOperation operation, IEnumerable<object> metadata)
    {
        var types = metadata.OfType<IProducesResponseTypeMetadata>()
            .ToLookup(answer => $"{answer.StatusCode}", answer => answer.Type, StringComparer.Ordinal);
        foreach (var (status, answer) in operation.Responses?.Select(one => (one.Key, one.Value as OpenApiResponse)) ?? [])
        {
            if (types[status].LastOrDefault() is { } type)
                foreach (var media in answer?.Content?.Where(one => one.Key == "application/json").Select(one => one.Value) ?? [])
                    media.Example = Example(type, status);
            // Accepted beside created: the same thing, not finished yet.
            if (answer is not null && (status == Created || (status == Accepted && operation.Responses!.ContainsKey(Created))))
                answer.Headers = new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal)
                {
                    ["Location"] = new OpenApiHeader
                    {
                        Description = "The address of what was created.",
                        Required = true,
                        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri-reference" },
                    },
                };
        }
    }

    private static JsonNode? Example(Type type, string status) =>
        IsPage(type)
            ? new JsonObject { ["data"] = new JsonArray(Example(type.GenericTypeArguments[0], status)), ["next"] = null }
            : XmlComments.Example(type, status) is { } example ? JsonNode.Parse(example) : null;

    private static bool IsPage(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() is var page && (page == typeof(Page<>) || page == typeof(GatheredPage<>));
}
