using System.Text.Json.Serialization;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// A public RSA key as RFC 7517 writes it, for <c>/.well-known/jwks.json</c> and the log. It has no member for private parts.
/// </summary>
/// <param name="Kty"><c>RSA</c>.</param>
/// <param name="Use"><c>sig</c>: it verifies signatures.</param>
/// <param name="Alg"><c>RS256</c>.</param>
/// <param name="Kid">The id that tokens name in their header.</param>
/// <param name="N">The modulus, base64url.</param>
/// <param name="E">The exponent, base64url.</param>
public sealed record JsonWebKey(
    [property: JsonPropertyName("kty")] string Kty,
    [property: JsonPropertyName("use")] string? Use,
    [property: JsonPropertyName("alg")] string? Alg,
    [property: JsonPropertyName("kid")] string Kid,
    [property: JsonPropertyName("n")] string N,
    [property: JsonPropertyName("e")] string E
);
