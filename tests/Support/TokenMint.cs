using System.Text.Json;
using Boon.Contracts;
using Boon.Platform;
using Boon.Platform.Access.Tokens;
using Npgsql;

namespace Boon.Support;

/// <summary>
/// Signs access tokens for processes that run elsewhere: with a key of its own, announced in Identity's log like any other.
/// </summary>
public sealed class TokenMint
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(2);

    private readonly SigningKey key = SigningKey.Create();
    private readonly TokenOptions options = new();

    private TokenMint()
    {
    }

    /// <summary>Makes a key and logs its public part; the processes on this database learn it from there.</summary>
    public static async Task<TokenMint> CreateAsync(NpgsqlDataSource source, CancellationToken ct = default)
    {
        var mint = new TokenMint();
        var jwk = mint.key.VerificationKey.ToJwk();
        var created = new SigningKeyCreated(mint.key.Id, jwk.N, jwk.E, TimeProvider.System.GetUtcNow() + Life);
        await using var announce = source.CreateCommand(
            "insert into identity.event_log (id, aggregatetype, aggregateid, type, payload) values ($1, 'signing-key', $2, $3, $4)");
        announce.Parameters.Add(new() { Value = Guid.CreateVersion7() });
        announce.Parameters.Add(new() { Value = mint.key.Id });
        announce.Parameters.Add(new() { Value = SigningKeyCreated.Name });
        announce.Parameters.Add(
            new() { Value = JsonSerializer.Serialize(created, EventJson.Default.SigningKeyCreated),
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Json });
        await announce.ExecuteNonQueryAsync(ct);
        return mint;
    }

    /// <summary>A member's token.</summary>
    public string Token(Guid user) =>
        AccessTokenIssuer.Issue(
            key, AccessToken.New(user, Guid.CreateVersion7(), [Role.Member], TimeProvider.System.GetUtcNow(), options), options);

    /// <summary>Tokens of as many new members, made on all cores.</summary>
    public string[] Tokens(int count) => [.. Enumerable.Range(0, count).AsParallel().Select(_ => Token(Guid.CreateVersion7()))];
}
