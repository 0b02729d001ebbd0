using System.Buffers;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Verifies Boon's own access tokens (RFC 9068) as strictly as their one issuer writes them. Microsoft.IdentityModel verifies;
/// <see cref="StrictToken"/> refuses what it lets through. RS256 only, because our keys are for nothing else; a header only names a
/// key that is already known. Safe for many threads.
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

    private static readonly string[] Algorithms = [VerificationKey.Algorithm];

    private readonly VerifiedTokenCache cache = new(cacheCapacity, options.Lifetime);
    private readonly JsonWebTokenHandler handler = new() { MaximumTokenSizeInBytes = MaxTokenLength };

    internal int CachedTokens => cache.Count;

    /// <summary>Verifies a compact token, without the word Bearer. Never throws for what a caller sent.</summary>
    public ValueTask<TokenVerification> VerifyAsync(string? token)
    {
        if (string.IsNullOrEmpty(token) || token.Length > MaxTokenLength)
            return new(TokenVerification.Refused(TokenRefusal.Malformed));
        var now = time.GetUtcNow();
        var rented = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            if (Ascii.FromUtf16(token, rented, out var length) != OperationStatus.Done)
                return new(TokenVerification.Refused(TokenRefusal.Malformed));
            var text = rented.AsSpan(0, length);
            var digest = TokenDigest.Of(text);
            if (cache.TryGet(digest, now, out var verified) && IsCurrent(verified.Key))
                return new(Judge(verified, now));
            return StrictToken.TryRead(text, out var header, out var claims)
                ? VerifyAfreshAsync(token, digest, header, claims, now)
                : new(TokenVerification.Refused(TokenRefusal.Malformed));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private bool IsCurrent(VerificationKey key) => keys(key.Id) is { } current && current.IsSameAs(key);

    private async ValueTask<TokenVerification> VerifyAfreshAsync(
        string token, TokenDigest digest, TokenHeader header, TokenClaims? claims, DateTimeOffset now)
    {
        if (header.Algorithm != VerificationKey.Algorithm)
            return TokenVerification.Refused(TokenRefusal.WrongAlgorithm);
        if (Defences.ClaimChecks.On && !header.IsAccessToken)
            return TokenVerification.Refused(TokenRefusal.WrongType);
        if (keys(header.KeyId) is not { } key)
            return TokenVerification.Refused(TokenRefusal.UnknownKey);
        if (claims is null)
            return TokenVerification.Refused(TokenRefusal.Malformed);
        var result = await handler.ValidateTokenAsync(token, Expected(key));
        if (!result.IsValid)
            return TokenVerification.Refused(RefusalOf(result.Exception, claims));
        var refusal = Check(claims, now);
        if (refusal != TokenRefusal.None)
            return TokenVerification.Refused(refusal);
        var verified = new VerifiedToken(claims.ToToken(), key);
        cache.Add(digest, verified, now);
        return Judge(verified, now);
    }

    private TokenVerification Judge(in VerifiedToken verified, DateTimeOffset now)
    {
        if (Defences.ClaimChecks.On && now >= verified.Token.ExpiresAt)
            return TokenVerification.Refused(TokenRefusal.Expired);
        return isRevoked(verified.Token.SessionId)
            ? TokenVerification.Refused(TokenRefusal.Revoked)
            : TokenVerification.Accepted(verified.Token);
    }

    /// <summary>The library stretches an expiry by its clock skew too, and does not look at <c>iat</c>.</summary>
    private static TokenRefusal Check(TokenClaims claims, DateTimeOffset now)
    {
        if (Defences.ClaimChecks.On && now >= DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt))
            return TokenRefusal.Expired;
        return DateTimeOffset.FromUnixTimeSeconds(Math.Max(claims.NotBefore, claims.IssuedAt)) > now + ClockSkew
            ? TokenRefusal.NotYetValid
            : TokenRefusal.None;
    }

    /// <summary>The library compares the audience first.</summary>
    private TokenRefusal RefusalOf(Exception? refusal, TokenClaims claims) => refusal switch
    {
        SecurityTokenSignatureKeyNotFoundException => TokenRefusal.UnknownKey,
        SecurityTokenInvalidSignatureException => TokenRefusal.BadSignature,
        SecurityTokenInvalidIssuerException => TokenRefusal.WrongIssuer,
        SecurityTokenInvalidAudienceException when claims.Issuer == options.Issuer => TokenRefusal.WrongAudience,
        SecurityTokenInvalidAudienceException => TokenRefusal.WrongIssuer,
        _ => TokenRefusal.Malformed,
    };

    /// <summary>Names one key, so that the key that is remembered is the key that verified, though another gets its id meanwhile.</summary>
    private TokenValidationParameters Expected(VerificationKey key) => new()
    {
        ValidIssuer = options.Issuer,
        ValidateIssuer = Defences.ClaimChecks.On,
        ValidAudience = options.Audience,
        ValidateAudience = Defences.ClaimChecks.On,
        ValidAlgorithms = Algorithms,
        IssuerSigningKey = key.Security,
        TryAllIssuerSigningKeys = false,
        ValidateLifetime = false, // Check does, by the clock of this verifier.
    };
}
