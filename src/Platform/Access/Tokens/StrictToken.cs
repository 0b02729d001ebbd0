using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Refuses what Microsoft.IdentityModel lets through: padding, members that stand twice, <c>crit</c>, deep JSON, text after the
/// object, and claims that are missing or of another kind. So no two parsers can understand a token of Boon differently.
/// Nothing here is verified.
/// </summary>
internal static class StrictToken
{
    /// <summary>
    /// Reads a compact JWS (RFC 7515, section 7.1). False unless it is three canonical segments, and the first is a header. The claims
    /// are null if one is of the wrong kind, or a required one is missing.
    /// </summary>
    internal static bool TryRead(ReadOnlySpan<byte> token, [NotNullWhen(true)] out TokenHeader? header, out TokenClaims? claims)
    {
        (header, claims) = (null, null);
        var first = token.IndexOf((byte)'.');
        var last = token.LastIndexOf((byte)'.');
        if (first == last)
            return false;
        var buffer = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            // A dot between the first and the last is outside the alphabet, so a fourth segment is refused in decoding.
            if (!StrictBase64Url.TryDecode(token[(last + 1)..], buffer, out _)
                || !StrictBase64Url.TryDecode(token[..first], buffer, out var length))
                return false;
            header = Read(buffer.AsSpan(0, length), TokenJson.Default.TokenHeader);
            if (!StrictBase64Url.TryDecode(token[(first + 1)..last], buffer, out length))
                return false;
            claims = Read(buffer.AsSpan(0, length), TokenJson.Default.TokenClaims) is { HasKinds: true } read ? read : null;
            return header is { Critical.ValueKind: JsonValueKind.Undefined };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static T? Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return Utf8.IsValid(json) ? JsonSerializer.Deserialize(json, type) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null; // No JSON, another kind of value, or an escape of half a surrogate pair.
        }
    }
}

/// <summary>A JOSE header.</summary>
internal sealed class TokenHeader
{
    [JsonPropertyName("alg")]
    public string Algorithm { get; set; } = "";

    [JsonPropertyName("typ")]
    public string Type { get; set; } = "";

    [JsonPropertyName("kid")]
    public string KeyId { get; set; } = "";

    /// <summary>RFC 7515, section 4.1.11: Boon understands no extension, so it must refuse each.</summary>
    [JsonPropertyName("crit")]
    public JsonElement Critical { get; set; }

    /// <summary>
    /// The others are read, so that none of them stands twice. Among them are jku, jwk, x5u and x5c: a token has no say in which key
    /// verifies it.
    /// </summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }

    /// <summary>RFC 9068, section 4; RFC 7515, section 4.1.9, for the case and the prefix.</summary>
    internal bool IsAccessToken =>
        Type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase) || Type.Equals("application/at+jwt", StringComparison.OrdinalIgnoreCase);
}

/// <summary>The claims that every token of Boon has. The library compares issuer and audience; a missing one is a wrong one.</summary>
internal sealed class TokenClaims
{
    private static readonly long LastSecond = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    [JsonPropertyName("iss")]
    public string Issuer { get; set; } = "";

    [JsonPropertyName("aud")]
    public JsonElement Audience { get; set; }

    [JsonRequired, JsonPropertyName("sub")]
    public Guid Subject { get; set; }

    [JsonRequired, JsonPropertyName("sid")]
    public Guid SessionId { get; set; }

    [JsonRequired, JsonPropertyName("jti")]
    public Guid Id { get; set; }

    /// <summary>Seconds since 1970, as the others. RFC 7519 permits fractions; those of Boon are whole.</summary>
    [JsonRequired, JsonPropertyName("iat")]
    public long IssuedAt { get; set; }

    [JsonRequired, JsonPropertyName("exp")]
    public long ExpiresAt { get; set; }

    [JsonPropertyName("nbf")]
    public long NotBefore { get; set; }

    [JsonRequired, JsonPropertyName("roles")]
    public string[] Roles { get; set; } = [];

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }

    internal bool HasKinds =>
        IsTime(IssuedAt) && IsTime(ExpiresAt) && IsTime(NotBefore) && !Roles.Contains(null)
        && (Audience.ValueKind is JsonValueKind.Undefined or JsonValueKind.String
            || (Audience.ValueKind == JsonValueKind.Array
                && Audience.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)));

    internal AccessToken ToToken() => new(
        Subject, SessionId, Roles is [Role.Member] ? OneMember : Roles, Id,
        DateTimeOffset.FromUnixTimeSeconds(IssuedAt), DateTimeOffset.FromUnixTimeSeconds(ExpiresAt));

    /// <summary>The roles of nearly every token: a cached one holds no copy of its own.</summary>
    private static readonly string[] OneMember = [Role.Member];

    private static bool IsTime(long seconds) => seconds >= 0 && seconds <= LastSecond;
}

/// <summary>Our own tokens have two levels; the rest is room for claims to come.</summary>
[JsonSourceGenerationOptions(MaxDepth = 8, AllowDuplicateProperties = false, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TokenHeader))]
[JsonSerializable(typeof(TokenClaims))]
internal sealed partial class TokenJson : JsonSerializerContext;
