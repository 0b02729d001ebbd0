using System.Net;
using System.Security.Cryptography;
using Boon.Platform.Data;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Web.Idempotency;

/// <summary>The first answer to a request, kept for its repeats.</summary>
public sealed record StoredAnswer(int Status, string? ContentType, string? Location, byte[] Body);

/// <summary>Why a request with an idempotency key does not run: it is in flight, mismatched, or has its answer already.</summary>
public sealed class IdempotencyException(string code, StoredAnswer? answer = null) : Exception($"Idempotency: {code}.")
{
    /// <summary><c>idempotency-in-flight</c>, <c>idempotency-mismatch</c> or <c>replay</c>.</summary>
    public string Code => code;

    /// <summary>The answer to replay.</summary>
    public StoredAnswer? Answer => answer;
}

/// <summary>
/// A request's <c>Idempotency-Key</c>. The key's row, the effect and the answer are one transaction: a process that is killed leaves nothing
/// in flight. Kept 24 hours, by user (or address) and route.
/// </summary>
public sealed class IdempotencyClaim(string caller, string route, string key, byte[] bodyHash)
{
    /// <summary>The longest key.</summary>
    public const int LongestKey = 255;

    /// <summary>How long an answer is kept.</summary>
    public const string KeptFor = "24 hours";

    /// <summary>Reads the request's body and makes the claim; null without the header.</summary>
    /// <exception cref="BadHttpRequestException">The key is empty, too long or not printable ASCII.</exception>
    public static async Task<IdempotencyClaim?> ReadAsync(HttpContext http, string route)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values))
            return null;
        var key = values.ToString();
        if (key.Length is 0 or > LongestKey || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new BadHttpRequestException($"Idempotency-Key must have 1 to {LongestKey} printable ASCII characters.");
        http.Request.EnableBuffering();
        var hash = await SHA256.HashDataAsync(http.Request.Body, http.RequestAborted);
        http.Request.Body.Position = 0;
        var caller = http.User.FindFirst("sub")?.Value ?? (http.Connection.RemoteIpAddress ?? IPAddress.None).ToString();
        return new IdempotencyClaim(caller, route, key, hash);
    }

    /// <summary>Throws if the key already has an answer; costs no transaction.</summary>
    public async Task ThrowIfAnsweredAsync(ModuleDatabase database, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand();
        await ThrowIfAnsweredAsync(command, database.Schema, ct);
    }

    /// <summary>Inserts the key's row into the transaction. A row that another open transaction holds is a request in flight.</summary>
    public async Task ClaimAsync(Unit unit, CancellationToken ct)
    {
        var schema = unit.Database.Schema;
        try
        {
            // A conflicting insert waits for the other transaction: 10 ms are enough to see that there is one.
            await using (var impatient = unit.Command("set local lock_timeout = '10ms'"))
                await impatient.ExecuteNonQueryAsync(ct);
            await using var insert = unit.Command($"""
                insert into {schema}.idempotency_keys as k (caller, route, key, body_hash) values ($1, $2, $3, $4)
                on conflict (caller, route, key) do update
                    set body_hash = excluded.body_hash, status = null, content_type = null, location = null, body = null, created_at = now()
                    where k.created_at < now() - interval '{KeptFor}'
                """);
            Bind(insert);
            insert.Parameters.Add(new() { Value = bodyHash });
            var claimed = await insert.ExecuteNonQueryAsync(ct) == 1;
            await using (var patient = unit.Command("set local lock_timeout = 0"))
                await patient.ExecuteNonQueryAsync(ct);
            if (claimed)
                return;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new IdempotencyException("idempotency-in-flight");
        }
        await using var read = unit.Command("");
        await ThrowIfAnsweredAsync(read, schema, ct);
        throw new IdempotencyException("idempotency-in-flight");
    }

    /// <summary>Stores the answer in the transaction that holds the effect.</summary>
    public async Task StoreAsync(Unit unit, StoredAnswer answer, CancellationToken ct)
    {
        await using var command = unit.Command($"""
            update {unit.Database.Schema}.idempotency_keys set status = $4, content_type = $5, location = $6, body = $7
            where caller = $1 and route = $2 and key = $3
            """);
        Bind(command);
        command.Parameters.Add(new() { Value = answer.Status });
        command.Parameters.Add(new() { Value = (object?)answer.ContentType ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)answer.Location ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = answer.Body });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task ThrowIfAnsweredAsync(NpgsqlCommand command, string schema, CancellationToken ct)
    {
        command.CommandText = $"""
            select body_hash, status, content_type, location, body from {schema}.idempotency_keys
            where caller = $1 and route = $2 and key = $3 and status is not null and created_at >= now() - interval '{KeptFor}'
            """;
        Bind(command);
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
            return;
        if (!reader.GetFieldValue<byte[]>(0).AsSpan().SequenceEqual(bodyHash))
            throw new IdempotencyException("idempotency-mismatch");
        throw new IdempotencyException("replay", new StoredAnswer(
            reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetFieldValue<byte[]>(4)));
    }

    private void Bind(NpgsqlCommand command)
    {
        command.Parameters.Add(new() { Value = caller });
        command.Parameters.Add(new() { Value = route });
        command.Parameters.Add(new() { Value = key });
    }
}
