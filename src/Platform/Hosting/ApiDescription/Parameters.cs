using System.Reflection;
using System.Text.Json;
using Boon.Platform.Http;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// Describes the parameters of paths and queries. Endpoints take them as text, so that a bad one is a problem document with a code; what
/// each of them is, is said here once for all endpoints, and beside the parameter (<c>[AllowedValues]</c>) where it is one endpoint's.
/// </summary>
internal static class Parameters
{
    /// <summary>What a parameter is.</summary>
    private sealed record Kind(
        string Description, JsonSchemaType Type = JsonSchemaType.String, string? Format = null, string? Minimum = null,
        string? Maximum = null, string? Pattern = null);

    private static readonly Dictionary<string, Kind> Known = new(StringComparer.Ordinal)
    {
        ["id"] = new("Its id.", Format: "uuid"),
        ["userId"] = new("Whose: operators can name anybody, members themselves.", Format: "uuid"),
        ["questId"] = new("Those of one quest.", Format: "uuid"),
        ["limit"] = new("How many in a page; 50 unless told.", JsonSchemaType.Integer, "int32", Minimum: "1",
            Maximum: $"{PageQuery.LargestLimit}"),
        ["cursor"] = new("The `next` of an earlier page.", Pattern: "^[A-Za-z0-9_-]+$"),
        ["module"] = new("The name of a module, such as `identity`."),
        ["type"] = new("An event: `identity.user-signed-in` for all its versions, `identity.user-signed-in.v1` for one."),
        ["actor"] = new("Who did it: a kind such as `operator`, or one of them, such as `operator:0198...`."),
        ["from"] = new("What was recorded then or later.", Format: "date-time"),
        ["to"] = new("What was recorded before.", Format: "date-time"),
        ["after"] = new("A `sequence`: what came after it.", JsonSchemaType.Integer, "int64", Minimum: "0"),
        ["state"] = new("Those in this state."),
        ["name"] = new("Its name."),
    };

    internal static void Describe(OpenApiParameter parameter, OpenApiOperationTransformerContext context)
    {
        var name = parameter.Name!;
        parameter.Name = JsonNamingPolicy.CamelCase.ConvertName(name);
        var schema = parameter.Schema as OpenApiSchema ?? new OpenApiSchema();
        parameter.Schema = schema;
        if (Known.TryGetValue(parameter.Name, out var kind))
        {
            parameter.Description ??= kind.Description;
            (schema.Type, schema.Format, schema.Minimum, schema.Maximum, schema.Pattern) =
                (kind.Type, kind.Format, kind.Minimum, kind.Maximum, kind.Pattern);
        }
        var described = context.Description.ParameterDescriptions.FirstOrDefault(one => one.Name == name)?.ParameterDescriptor;
        foreach (var attribute in (described as IParameterInfoParameterDescriptor)?.ParameterInfo?.GetCustomAttributes() ?? [])
            Schemas.Bound(schema, attribute);
    }

    /// <summary>True for a parameter that names something which may not be there, or not for the caller.</summary>
    internal static bool NamesSomething(IOpenApiParameter parameter) => parameter.Name is "id" or "userId" or "questId";
}
