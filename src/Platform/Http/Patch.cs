using System.Reflection;
using System.Text.Json;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;

namespace Boon.Platform.Http;

/// <summary>Marks a member of a <see cref="Patch{T}"/> that null clears.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ClearableAttribute : Attribute;

/// <summary>
/// The body of a PATCH as RFC 7396 reads it: a member that is absent stays, null clears what is optional. A null in <see cref="Value"/> is
/// either; this tells them apart.
/// </summary>
public sealed class Patch<T> : IBindableFromHttpContext<Patch<T>>, IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly HashSet<string> Optional = typeof(T).GetConstructors().SelectMany(made => made.GetParameters())
        .Where(member => member.IsDefined(typeof(ClearableAttribute)))
        .Select(member => JsonNamingPolicy.CamelCase.ConvertName(member.Name!)).ToHashSet(StringComparer.Ordinal);

    private readonly HashSet<string> nulls;

    private Patch(T value, HashSet<string> nulls) => (Value, this.nulls) = (value, nulls);

    /// <summary>The members as they were sent.</summary>
    public T Value { get; }

    /// <summary>True for a member that was sent as null.</summary>
    public bool Clears(string member) => nulls.Contains(member);

    /// <summary>Notes as faults the nulls of members that are not <see cref="ClearableAttribute"/>.</summary>
    public void Check(Validation validation)
    {
        foreach (var member in nulls)
            validation.Check(Optional.Contains(member), member, "must not be null: it cannot be cleared");
    }

    /// <summary>Reads the request's body.</summary>
    public static async ValueTask<Patch<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var options = context.RequestServices.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>(
            ).Value.SerializerOptions;
        try
        {
            var body = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
            return body.IsEmpty || JsonSerializer.Deserialize<T>(body, options) is not { } value
                ? null : new Patch<T>(value, NullsOf(body));
        }
        catch (JsonException error)
        {
            throw new BadHttpRequestException("", StatusCodes.Status400BadRequest, error);
        }
    }

    /// <inheritdoc/>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));

    private static HashSet<string> NullsOf(ReadOnlySpan<byte> body)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(body);
        while (reader.Read())
            if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 })
            {
                var name = reader.GetString()!;
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null)
                    found.Add(name);
                reader.Skip();
            }
        return found;
    }
}
