using System.Buffers;
using System.Text;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Verifies access tokens (RFC 9068) as strictly as their one issuer writes them: RS256 because our keys are for nothing
/// else, whatever a header says; a header only names a key that is already known. Safe for many threads.
/// </summary>
/// <param name="options">The issuer and audience to expect.</param>
/// <param name="time">The clock for <c>exp</c>, <c>nbf</c> and <c>iat</c>.</param>
/// <param name="keys">Finds a key by its id; asked for every token, cached ones too, so a removed key counts at once.</param>
/// <param name="isRevoked">Whether a session was ended; asked for every token, cached ones too.</param>
/// <param name="cacheCapacity">How many verified tokens to remember; about 250 bytes each.</param>
public sealed class AccessTokenVerifier(
    TokenOptions options,
    TimeProvider time,
    Func<string, VerificationKey?> keys,
    Func<Guid, bool> isRevoked,
    int cacheCapacity = AccessTokenVerifier.DefaultCacheCapacity
)
{
    /// <summary>Longer tokens are refused unread; unit: characters. Ours have about 900.</summary>
    public const int MaxTokenLength = 8 * 1024;

    /// <summary>How many verified tokens are remembered unless said otherwise.</summary>
    public const int DefaultCacheCapacity = 100_000;

    /// <summary>
    /// How far ahead of ours an issuing host's clock may be, for <c>nbf</c> and <c>iat</c>. An expiry is never stretched.
    /// </summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private readonly VerifiedTokenCache cache = new(cacheCapacity, options.Lifetime);

    /// <summary>
    /// Off, <c>iss</c>, <c>aud</c>, <c>typ</c> and <c>exp</c> are not checked. Only the test host, through InternalsVisibleTo,
    /// can reach it; CI proves that the guarantee fails without these checks.
    /// </summary>
    internal static bool ClaimChecks { get; set; } = true;

    internal int CachedTokens => cache.Count;

    /// <summary>Verifies a compact token, without the word Bearer. Never throws for what a caller sent.</summary>
    public TokenVerification Verify(string? token)
    {
        if (string.IsNullOrEmpty(token) || token.Length > MaxTokenLength)
        {
            return TokenVerification.Refused(TokenRefusal.Malformed);
        }

        var rented = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            return Ascii.FromUtf16(token, rented, out var length) == OperationStatus.Done
                ? Verify(rented.AsSpan(0, length))
                : TokenVerification.Refused(TokenRefusal.Malformed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Whether a compact JWS carries a signature of the key, whatever it says. For test vectors.</summary>
    internal static bool HasSignatureOf(JsonWebKey jwk, string jws)
    {
        var text = Encoding.UTF8.GetBytes(jws);
        return CompactJws.TryDecode(text, new byte[text.Length], out var decoded)
            && VerificationKey.FromJwk(jwk).Verifies(decoded.SigningInput, decoded.Signature);
    }

    private TokenVerification Verify(ReadOnlySpan<byte> text)
    {
        var now = time.GetUtcNow();
        var digest = TokenDigest.Of(text);
        if (!cache.TryGet(digest, now, out var verified) || !IsCurrent(verified.Key))
        {
            var refusal = VerifyAfresh(text, now, out verified);
            if (refusal != TokenRefusal.None)
            {
                return TokenVerification.Refused(refusal);
            }

            cache.Add(digest, verified, now);
        }

        if (ClaimChecks && now >= verified.Token.ExpiresAt)
        {
            return TokenVerification.Refused(TokenRefusal.Expired);
        }

        return isRevoked(verified.Token.SessionId)
            ? TokenVerification.Refused(TokenRefusal.Revoked)
            : TokenVerification.Accepted(verified.Token);
    }

    private bool IsCurrent(VerificationKey key) => keys(key.Id) is { } current && current.IsSameAs(key);

    private TokenRefusal VerifyAfresh(ReadOnlySpan<byte> text, DateTimeOffset now, out VerifiedToken verified)
    {
        verified = default;
        var rented = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            if (!CompactJws.TryDecode(text, rented, out var jws) || !TokenJson.TryRead(jws.Header, out var header))
            {
                return TokenRefusal.Malformed;
            }

            var refusal = Check(header, out var key);
            if (refusal != TokenRefusal.None)
            {
                return refusal;
            }

            if (!key!.Verifies(jws.SigningInput, jws.Signature))
            {
                return TokenRefusal.BadSignature;
            }

            if (!TokenJson.TryRead(jws.Payload, options, out var claims))
            {
                return TokenRefusal.Malformed;
            }

            verified = new VerifiedToken(claims.ToToken(), key);
            return Check(claims, now);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private TokenRefusal Check(TokenHeader header, out VerificationKey? key)
    {
        key = null;
        if (!header.IsRs256)
        {
            return TokenRefusal.WrongAlgorithm;
        }

        if (ClaimChecks && !header.IsAccessToken)
        {
            return TokenRefusal.WrongType;
        }

        key = header.KeyId is null ? null : keys(header.KeyId);
        return key is null ? TokenRefusal.UnknownKey : TokenRefusal.None;
    }

    private static TokenRefusal Check(in TokenClaims claims, DateTimeOffset now)
    {
        if (ClaimChecks && !claims.IssuerIsOurs)
        {
            return TokenRefusal.WrongIssuer;
        }

        if (ClaimChecks && !claims.AudienceIsOurs)
        {
            return TokenRefusal.WrongAudience;
        }

        if (ClaimChecks && now >= claims.ExpiresAt)
        {
            return TokenRefusal.Expired;
        }

        var latest = now + ClockSkew;
        return claims.NotBefore > latest || claims.IssuedAt > latest ? TokenRefusal.NotYetValid : TokenRefusal.None;
    }
}
