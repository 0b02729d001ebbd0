using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Boon.Platform.Units;

/// <summary>Why a request with an idempotency key does not run: it is in flight, mismatched, or has its answer already.</summary>
public sealed class IdempotencyException(string code, StoredAnswer? answer = null) : Exception($"Idempotency: {code}.")
{
    /// <summary>The code of a request whose first one still runs.</summary>
    public const string InFlight = "idempotency-in-flight";

    /// <summary><c>idempotency-in-flight</c>, <c>idempotency-mismatch</c> or <c>replay</c>.</summary>
    public string Code => code;

    /// <summary>The answer to replay.</summary>
    public StoredAnswer? Answer => answer;
}

/// <summary>
/// A request's <c>Idempotency-Key</c>. The key's row, the effect and the answer are one transaction: a process that is killed leaves nothing
/// in flight. Kept 24 hours, by caller and route: the user, or without a token the address and whom the body is about, since many people share an address.
/// </summary>
public sealed class IdempotencyClaim(string caller, string route, string key, byte[] bodyHash)
{
    /// <summary>The longest key.</summary>
    public const int LongestKey = 255;

    /// <summary>How long an answer is kept: no setting, because clients are written for it.</summary>
    internal static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    /// <summary>Reads the request's body and makes the claim; null without the header.</summary>
    /// <exception cref="RefusedException">The key is empty, too long or not printable ASCII.</exception>
    internal static async Task<IdempotencyClaim?> ReadAsync(HttpContext http, IdempotentEndpoint endpoint)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values))
            return null;
        var key = values.ToString();
        if (key.Length is 0 or > LongestKey || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new RefusedException(Problems.Of(StatusCodes.Status400BadRequest, "invalid-request", $"Idempotency-Key must have 1 to {LongestKey} printable ASCII characters."));
        http.Request.EnableBuffering();
        var hash = await SHA256.HashDataAsync(http.Request.Body, http.RequestAborted);
        http.Request.Body.Position = 0;
        var caller = http.User.FindFirst("sub")?.Value ?? await AnonymousAsync(http, endpoint.Subject);
        return new IdempotencyClaim(caller, Route(http), key, hash);
    }

    /// <summary>The address and a hash of the body's member that says whom it is about; a body that cannot be read is refused later.</summary>
    private static async Task<string> AnonymousAsync(HttpContext http, string? subject)
    {
        var address = (http.Connection.RemoteIpAddress ?? IPAddress.None).ToString();
        if (subject is null)
            return address;
        try
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, new JsonDocumentOptions { MaxDepth = Json.MaxDepth }, http.RequestAborted);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty(subject, out var value) && value.ValueKind == JsonValueKind.String
                ? $"{address}|{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value.GetString()!)))}"
                : address;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return address;
        }
        finally
        {
            http.Request.Body.Position = 0;
        }
    }

    /// <summary>The endpoint's own route with its values, however the caller wrote it: in capitals, with a slash at the end, a GUID in another form.</summary>
    internal static string Route(HttpContext http)
    {
        var pattern = ((RouteEndpoint)http.GetEndpoint()!).RoutePattern;
        return "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(Part))));

        string? Part(RoutePatternPart part) => part switch
        {
            RoutePatternLiteralPart literal => literal.Content,
            RoutePatternSeparatorPart separator => separator.Content,
            RoutePatternParameterPart parameter => http.GetRouteValue(parameter.Name)?.ToString() is { } value
                ? Guid.TryParse(value, out var id) ? id.ToString() : value
                : "",
            _ => "",
        };
    }

    /// <summary>What tells one key from another: who sent it, to which path, and its text.</summary>
    public (string Caller, string Route, string Key) Id => (caller, route, key);

    internal byte[] BodyHash => bodyHash;

    /// <summary>Throws if the key already has an answer; costs no transaction.</summary>
    public async Task ThrowIfAnsweredAsync(ModuleDatabase database, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        IdempotencyKeys.AddFind(batch, database.Schema, [this]);
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if ((await IdempotencyKeys.ReadFoundAsync(reader, [this], ct)).GetValueOrDefault(Id) is { } repeated)
            throw repeated;
    }

    /// <summary>Inserts the key's row into the transaction. A row that another open transaction holds is a request in flight.</summary>
    public async Task ClaimAsync(Unit unit, CancellationToken ct)
    {
        try
        {
            await using var batch = new NpgsqlBatch(unit.Connection);
            IdempotencyKeys.AddClaim(batch, unit.Database.Schema, [this]);
            await using var reader = await batch.ExecuteReaderAsync(ct);
            if ((await IdempotencyKeys.ReadClaimedAsync(reader, [this], ct)).GetValueOrDefault(Id) is { } repeated)
                throw repeated;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new IdempotencyException(IdempotencyException.InFlight);
        }
    }

    /// <summary>Stores the answer in the transaction that holds the effect.</summary>
    public Task StoreAsync(Unit unit, StoredAnswer answer, CancellationToken ct) => IdempotencyKeys.StoreAsync(unit, [(this, answer)], ct);
}
