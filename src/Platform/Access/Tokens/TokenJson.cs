using System.Text.Json;
using System.Text.Unicode;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Strict reading of one JSON object: valid UTF-8 and no member twice, so that no two parsers can understand it differently.
/// Members inside skipped values are not compared, as nobody reads them.
/// </summary>
internal ref struct TokenJson
{
    /// <summary>Our own tokens have two levels; the rest is room for claims to come.</summary>
    private const int MaxDepth = 8;

    private readonly ReadOnlySpan<byte> json;
    private Utf8JsonReader reader;
    private uint known;
    private HashSet<string>? others;

    private TokenJson(ReadOnlySpan<byte> json)
    {
        this.json = json;
        reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Reads a JOSE header. False if it is not a JSON object whose known members are strings.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> json, out TokenHeader header)
    {
        header = default;
        try
        {
            return new TokenJson(json).Read(ref header);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // Not JSON, or an escape of half a surrogate pair.
        }
    }

    /// <summary>Reads the claims of an access token. False if one is of the wrong kind, or a required one missing.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> json, TokenOptions options, out TokenClaims claims)
    {
        claims = default;
        try
        {
            return new TokenJson(json).Read(options, ref claims);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private bool Read(ref TokenHeader header)
    {
        if (!Begin())
        {
            return false;
        }

        while (NextMember())
        {
            bool read;
            if (Is("alg"u8, 0, out var repeated))
            {
                read = IsString();
                header.IsRs256 = read && reader.ValueTextEquals(VerificationKey.Algorithm);
            }
            else if (Is("typ"u8, 1, out repeated))
            {
                read = IsString();
                header.IsAccessToken = read && IsAccessTokenType();
            }
            else if (Is("kid"u8, 2, out repeated))
            {
                read = IsString();
                header.KeyId = read ? reader.GetString() : null;
            }
            else if (Is("crit"u8, 3, out repeated))
            {
                read = false; // RFC 7515 section 4.1.11: we understand no extension, so we must refuse.
            }
            else
            {
                // Among them jku, jwk, x5u and x5c: a token has no say in which key verifies it.
                read = SkipOther(out repeated);
            }

            if (!read || repeated)
            {
                return false;
            }
        }

        return End();
    }

    private bool Read(TokenOptions options, ref TokenClaims claims)
    {
        if (!Begin())
        {
            return false;
        }

        while (NextMember())
        {
            var read =
                Is("iss"u8, 0, out var repeated) ? ReadIssuer(options, ref claims)
                : Is("aud"u8, 1, out repeated) ? ReadAudience(options, ref claims)
                : Is("sub"u8, 2, out repeated) ? ReadId(out claims.Subject)
                : Is("sid"u8, 3, out repeated) ? ReadId(out claims.SessionId)
                : Is("jti"u8, 4, out repeated) ? ReadId(out claims.Id)
                : Is("iat"u8, 5, out repeated) ? ReadTime(out claims.IssuedAt)
                : Is("exp"u8, 6, out repeated) ? ReadTime(out claims.ExpiresAt)
                : Is("roles"u8, 7, out repeated) ? ReadRoles(out claims.Roles)
                : Is("nbf"u8, 8, out repeated) ? ReadTime(out claims.NotBefore)
                : SkipOther(out repeated);
            if (!read || repeated)
            {
                return false;
            }
        }

        const uint Required = 0b1111_1100; // sub, sid, jti, iat, exp, roles; a missing iss or aud is a wrong one.
        return End() && (known & Required) == Required;
    }

    private bool Begin() => Utf8.IsValid(json) && reader.Read() && reader.TokenType == JsonTokenType.StartObject;

    private bool NextMember() => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Reading on after the object's end throws if anything but white space follows.</summary>
    private bool End() => reader.TokenType == JsonTokenType.EndObject && !reader.Read();

    private bool Is(ReadOnlySpan<byte> name, int index, out bool repeated)
    {
        repeated = false;
        if (!reader.ValueTextEquals(name))
        {
            return false;
        }

        repeated = (known & (1u << index)) != 0;
        known |= 1u << index;
        return reader.Read();
    }

    private bool SkipOther(out bool repeated)
    {
        others ??= new HashSet<string>(StringComparer.Ordinal);
        repeated = !others.Add(reader.GetString()!);
        return reader.TrySkip();
    }

    private readonly bool IsString() => reader.TokenType == JsonTokenType.String;

    /// <summary>RFC 9068 section 4; RFC 7515 section 4.1.9 for the case and the prefix.</summary>
    private readonly bool IsAccessTokenType() =>
        reader.ValueTextEquals("at+jwt"u8)
        || (
            reader.GetString() is { } type
            && (
                type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase)
                || type.Equals("application/at+jwt", StringComparison.OrdinalIgnoreCase)
            )
        );

    private readonly bool ReadIssuer(TokenOptions options, ref TokenClaims claims)
    {
        claims.IssuerIsOurs = IsString() && reader.ValueTextEquals(options.Issuer);
        return IsString();
    }

    private bool ReadAudience(TokenOptions options, ref TokenClaims claims)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            claims.AudienceIsOurs = IsString() && reader.ValueTextEquals(options.Audience);
            return IsString();
        }

        while (reader.Read() && IsString())
        {
            claims.AudienceIsOurs |= reader.ValueTextEquals(options.Audience);
        }

        return reader.TokenType == JsonTokenType.EndArray;
    }

    private readonly bool ReadId(out Guid id)
    {
        id = default;
        return IsString() && reader.TryGetGuid(out id);
    }

    /// <summary>Seconds since 1970. RFC 7519 permits fractions; ours are whole.</summary>
    private readonly bool ReadTime(out DateTimeOffset time)
    {
        time = default;
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var seconds))
        {
            return false;
        }

        if (seconds < 0 || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return false;
        }

        time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    private bool ReadRoles(out string[] roles)
    {
        roles = [];
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (reader.Read() && IsString())
        {
            // Nearly every token has the one role: no list, and the constant in place of a copy of it.
            var role = reader.ValueTextEquals(Role.Member) ? Role.Member : reader.GetString()!;
            roles = [.. roles, role];
        }

        return reader.TokenType == JsonTokenType.EndArray;
    }
}
