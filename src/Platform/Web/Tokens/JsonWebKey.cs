using System.Text.Json.Serialization;

namespace Boon.Platform.Web.Tokens;

/// <summary>
/// A public RSA key as RFC 7517 writes it, for <c>/.well-known/jwks.json</c> and the log. It has no member for private parts.
/// </summary>
public sealed record JsonWebKey(
    [property: JsonPropertyName("kty")] string Kty,
    [property: JsonPropertyName("use")] string? Use,
    [property: JsonPropertyName("alg")] string? Alg,
    [property: JsonPropertyName("kid")] string Kid,
    [property: JsonPropertyName("n")] string N,
    [property: JsonPropertyName("e")] string E
);
