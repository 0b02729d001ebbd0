using System.Diagnostics.CodeAnalysis;

namespace Boon.Platform.Access.Tokens;

/// <summary>Why a token was refused: for logs and counters. A caller of the API learns only that it was.</summary>
public enum TokenRefusal
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>Not a canonical compact JWS, not the JSON expected inside, or a claim missing or of the wrong kind.</summary>
    Malformed,

    /// <summary>No <c>kid</c>, or none of ours.</summary>
    UnknownKey,

    /// <summary><c>alg</c> is not exactly <c>RS256</c>.</summary>
    WrongAlgorithm,

    /// <summary>The signature is not the key's over this header and payload.</summary>
    BadSignature,

    /// <summary><c>iss</c> is not ours.</summary>
    WrongIssuer,

    /// <summary><c>aud</c> does not name us.</summary>
    WrongAudience,

    /// <summary><c>typ</c> is not that of an access token (RFC 9068).</summary>
    WrongType,

    /// <summary><c>exp</c> has come.</summary>
    Expired,

    /// <summary><c>nbf</c> or <c>iat</c> lies further ahead than clocks may differ.</summary>
    NotYetValid,

    /// <summary>The session was ended.</summary>
    Revoked,
}

/// <summary>The outcome of a verification: the token's claims, or why it was refused.</summary>
public readonly record struct TokenVerification
{
    private TokenVerification(AccessToken? token, TokenRefusal refusal) => (Token, Refusal) = (token, refusal);

    /// <summary>The verified claims; null if the token was refused.</summary>
    public AccessToken? Token { get; }

    /// <summary>Why the token was refused; <see cref="TokenRefusal.None"/> if it was not.</summary>
    public TokenRefusal Refusal { get; }

    /// <summary>Whether the token may be relied on.</summary>
    [MemberNotNullWhen(true, nameof(Token))]
    public bool IsValid => Token is not null;

    internal static TokenVerification Accepted(AccessToken token) => new(token, TokenRefusal.None);

    internal static TokenVerification Refused(TokenRefusal refusal) => new(null, refusal);
}
