using Boon.Platform.Access.Tokens;

namespace Boon.Identity.Keys;

/// <summary>The public keys, as RFC 7517 writes them.</summary>
internal static class GetPublicKeys
{
    /// <summary>A key set.</summary>
    /// <param name="Keys">The keys that verify today.</param>
    /// <example>
    /// {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "iDcYrQMpuxLGqzwxhKkInB232iJFgg3LhwTwk6izxaw", "n":
    /// "0vx7agoebGcQSuu", "e": "AQAB"}]}
    /// </example>
    internal sealed record KeySet(IReadOnlyList<JsonWebKey> Keys);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/.well-known/jwks.json", Handle).TakesAnyQuery()
        .WithTags("Sessions").WithSummary("The public keys that verify access tokens (RFC 7517).");

    private static Ok<KeySet> Handle(AccessState access, HttpContext http)
    {
        http.Response.Headers.CacheControl = "public, max-age=300";
        return TypedResults.Ok(new KeySet(access.PublicKeys));
    }
}
