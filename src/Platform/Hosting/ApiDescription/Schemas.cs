using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Boon.Platform.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// Describes types as they are on the wire. A member is required when it cannot be null, or says so (<see cref="RequiredAttribute"/>). One
/// that is null is left out of an answer, so that nothing in answers is nullable but what is always written; in a body, null is as good as
/// absent. What a value can be is told by the attributes of <c>System.ComponentModel.DataAnnotations</c>.
/// </summary>
internal static class Schemas
{
    /// <summary>How the framework notes that a member of a type with a name of its own can be null.</summary>
    private const string NullableMark = "x-is-nullable-property";

    internal static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        Complete(schema, context.JsonTypeInfo.Type);
        if (context.JsonPropertyInfo is { } member)
            DescribeMember(schema, member);
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
            DescribeObject(schema, context);
        return Task.CompletedTask;
    }

    /// <summary>The types that converters of ours write, of which the framework knows nothing.</summary>
    private static void Complete(OpenApiSchema schema, Type type)
    {
        var real = Nullable.GetUnderlyingType(type) ?? type;
        if (real == typeof(string))
            schema.Type = JsonSchemaType.String | (schema.Type & JsonSchemaType.Null ?? default);
        else if (real == typeof(DateTimeOffset) || real == typeof(DateTime))
            (schema.Type, schema.Format) = (JsonSchemaType.String, "date-time");
        else if (real == typeof(int) || real == typeof(long))
            (schema.Type, schema.Format) =
                (JsonSchemaType.Integer | (schema.Type & JsonSchemaType.Null ?? default), real == typeof(int) ? "int32" : "int64");
        else if (real == typeof(JsonElement))
            (schema.Type, schema.AdditionalPropertiesAllowed) = (JsonSchemaType.Object, true);
        else if (ElementOf(real) is { } element && schema.Items is null or OpenApiSchema { Type: null })
        {
            var items = new OpenApiSchema();
            Complete(items, element);
            schema.Items = items;
        }
    }

    /// <summary>What a list is of; null for what is none, such as the bytes of JSON.</summary>
    private static Type? ElementOf(Type type) =>
        type.IsArray ? type == typeof(byte[]) ? null : type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GenericTypeArguments[0] : null;

    private static void DescribeObject(OpenApiSchema schema, OpenApiSchemaTransformerContext context)
    {
        var type = context.JsonTypeInfo.Type;
        schema.Description = XmlComments.Summary(type) ?? schema.Description;
        // Bodies are strict; an answer may get new members.
        if (!context.JsonTypeInfo.Properties.Any(IsOfBody))
            schema.AdditionalPropertiesAllowed = true;
        if (schema.Properties is { Count: > 0 })
            schema.Required = context.JsonTypeInfo.Properties.Where(IsRequired).Select(member => member.Name)
                .ToHashSet(StringComparer.Ordinal);
    }

    private static void DescribeMember(OpenApiSchema schema, JsonPropertyInfo member)
    {
        if (member.AttributeProvider is not PropertyInfo property)
            return;
        schema.Description = XmlComments.Of(property.DeclaringType!, property.Name) ?? schema.Description;
        var isNull = IsAlwaysWritten(member) || (IsOfBody(member) && !IsRequired(member));
        if (!isNull)
        {
            schema.Type &= ~JsonSchemaType.Null;
            schema.Metadata?.Remove(NullableMark);
        }
        else if (member.IsGetNullable)
            schema.Type |= JsonSchemaType.Null;
        if (property.PropertyType == typeof(byte[]))
            (schema.Type, schema.Format, schema.AdditionalPropertiesAllowed) = (JsonSchemaType.Object, null, true);
        foreach (var attribute in Attributes(member))
            Bound(schema, attribute);
    }

    /// <summary>
    /// Says in the words that generators understand: members that can be null and have a named type are <c>allOf</c> that type and
    /// nullable; an object of any members has members of any kind.
    /// </summary>
    internal static void Finish(OpenApiSchema schema)
    {
        foreach (var (name, member) in schema.Properties?.ToList() ?? [])
            if (member is OpenApiSchema { OneOf: { Count: 2 } either } && either.OfType<OpenApiSchemaReference>()
                .FirstOrDefault() is { } reference)
                schema.Properties![name] = new OpenApiSchema
                    { Type = JsonSchemaType.Object | JsonSchemaType.Null, AllOf = [reference], Description = member.Description };
            else if (member is OpenApiSchema
                { Type: { } type, Properties: null or { Count: 0 }, AdditionalProperties: null, AllOf: null or { Count: 0 } } open
                && type.HasFlag(JsonSchemaType.Object))
                open.AdditionalProperties = new OpenApiSchema();
    }

    /// <summary>What an attribute says of a value.</summary>
    internal static void Bound(OpenApiSchema schema, Attribute attribute)
    {
        switch (attribute)
        {
            case RangeAttribute range:
                schema.Minimum = Convert.ToString(range.Minimum, CultureInfo.InvariantCulture);
                schema.Maximum = Convert.ToString(range.Maximum, CultureInfo.InvariantCulture);
                break;
            case LengthAttribute length when schema.Type is { } type && type.HasFlag(JsonSchemaType.Array):
                (schema.MinItems, schema.MaxItems) = (length.MinimumLength, length.MaximumLength);
                break;
            case LengthAttribute length:
                (schema.MinLength, schema.MaxLength) = (length.MinimumLength, length.MaximumLength);
                break;
            case AllowedValuesAttribute allowed when schema.Items is OpenApiSchema items:
                items.Enum = [.. allowed.Values.Select(value => JsonValue.Create((string)value!))];
                break;
            case AllowedValuesAttribute allowed:
                schema.Enum = [.. allowed.Values.Select(value => JsonValue.Create((string)value!))];
                break;
            case ClearableAttribute:
                schema.Type |= JsonSchemaType.Null;
                break;
            case RegularExpressionAttribute pattern:
                schema.Pattern = pattern.Pattern;
                break;
        }
    }

    private static bool IsRequired(JsonPropertyInfo member) =>
        Attributes(member).OfType<RequiredAttribute>().Any() || IsAlwaysWritten(member)
        || (!member.IsGetNullable && member.AssociatedParameter?.HasDefaultValue != true);

    /// <summary>
    /// True for a member of what callers send: such types are requests, or say what must be there or is there unless told.
    /// </summary>
    private static bool IsOfBody(JsonPropertyInfo member) =>
        member.DeclaringType.Name == "Request" || member.AssociatedParameter?.HasDefaultValue == true || Attributes(member)
            .OfType<RequiredAttribute>().Any();

    private static bool IsAlwaysWritten(JsonPropertyInfo member) =>
        Attributes(member).OfType<JsonIgnoreAttribute>().Any(ignore => ignore.Condition == JsonIgnoreCondition.Never);

    private static IEnumerable<Attribute> Attributes(JsonPropertyInfo member) =>
        new[] { member.AttributeProvider, member.AssociatedParameter?.AttributeProvider }
            .SelectMany(provider => provider?.GetCustomAttributes(inherit: false) ?? []).OfType<Attribute>();
}
