using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Boon.Platform.Http;
using Microsoft.AspNetCore.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// The names of schemas, one for each type: <c>CreateCampaign.Request</c> is <c>CreateCampaignRequest</c>, <c>CampaignView</c> is
/// <c>Campaign</c>, a page of it <c>CampaignPage</c>. Two types of one name are a fault of the code.
/// </summary>
internal static class SchemaNames
{
    private const string Request = "Request";
    private const string View = "View";

    private static readonly ConcurrentDictionary<string, Type> TypesByName = new(StringComparer.Ordinal);

    /// <summary>The name, or null for a type that is written in place.</summary>
    internal static string? Of(JsonTypeInfo info)
    {
        // The API's own choice of what is a schema of its own; JSON of any form has no shape to name.
        if ((Nullable.GetUnderlyingType(info.Type) ?? info.Type) == typeof(JsonElement) || OpenApiOptions.CreateDefaultSchemaReferenceId(
            info) is null)
            return null;
        var name = Of(info.Type);
        var type = TypesByName.GetOrAdd(name, info.Type);
        return type == info.Type
            ? name : throw new InvalidOperationException($"{type} and {info.Type} would both be the schema {name}: rename one.");
    }

    private static string Of(Type type)
    {
        if (type is { IsGenericType: true }
            && (type.GetGenericTypeDefinition() == typeof(Page<>) || type.GetGenericTypeDefinition() == typeof(GatheredPage<>)))
            return Of(type.GenericTypeArguments[0]) + "Page";
        if (type is { Name: Request, DeclaringType: { } outer })
            return outer.Name + Request;
        return type.Name.EndsWith(View, StringComparison.Ordinal) ? type.Name[..^View.Length] : type.Name;
    }
}
