using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Platform.Log;

namespace Boon.Gateway.Sending;

/// <summary>
/// Limits each client. A client is a user or an API key once a module has taken its credential, until then the address: made-up credentials
/// give nobody another bucket, and take nothing from anybody's.
/// </summary>
internal sealed class ClientLimits(IConfiguration configuration, TimeProvider time)
{
    private static readonly TimeSpan LeastRetry = TimeSpan.FromSeconds(1);

    private static readonly Counter<long> Refused = LogMetrics.Meter.CreateCounter<long>(
        "boon_gateway_limited", description: "Requests that were refused because their client sends more than a gateway lets pass.");

    private readonly TokenBuckets buckets = new(Settings.GatewayRequestsPerSecond.Of(configuration), time);
    private readonly KnownCredentials known = new();

    internal async Task AdmitAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<DeclaredRoute>() is not { } route)
        {
            await next(http);
            return;
        }
        var credential = http.Request.Headers.Authorization is [{ Length: > 0 } text] ? KnownCredentials.HashOf(text) : null;
        var client = credential is null ? null : GatewayDefences.TakenCredentials.On ? known.Find(credential) : credential;
        if (!buckets.TryTake(client ?? ClientAddress.NetworkOf(http.Connection.RemoteIpAddress), out var retryAfter))
        {
            Refused.Add(1);
            await Problems.RetryLater(
                http, StatusCodes.Status429TooManyRequests, Problems.TooManyRequests,
                "You send more requests than one client may; slow down.", retryAfter > LeastRetry ? retryAfter : LeastRetry)
                .ExecuteAsync(http);
            return;
        }
        await next(http);
        if (credential is null || !route.NeedsCredential)
            return;
        if (http.Response.StatusCode is (>= 200 and < 300) or StatusCodes.Status403Forbidden)
        {
            if (client is null)
                known.Add(credential, NameOf(http.Request.Headers.Authorization.ToString(), credential));
        }
        else if (http.Response.StatusCode == StatusCodes.Status401Unauthorized && client is not null)
            known.Remove(credential);
    }

    /// <summary>The user that a token is of, which a module has verified; a key stands for itself.</summary>
    private static string NameOf(string authorization, string credential)
    {
        var parts = authorization.Split('.');
        if (parts.Length != 3 || !Base64Url.IsValid(parts[1]))
            return credential;
        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
            return claims.RootElement.TryGetProperty("sub", out var subject) && subject.GetString() is { } user ? user : credential;
        }
        catch (JsonException)
        {
            return credential;
        }
    }

    /// <summary>
    /// Credentials that a module has taken, by their hashes. Bounded: what was not seen for two fillings is forgotten, and counts for its
    /// address once more.
    /// </summary>
    private sealed class KnownCredentials
    {
        private const int MostInHalf = 100_000;
        private readonly Lock gate = new();
        private ConcurrentDictionary<string, string> recent = new(StringComparer.Ordinal);
        private ConcurrentDictionary<string, string> older = new(StringComparer.Ordinal);

        internal static string HashOf(string credential) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(credential)));

        internal string? Find(string credential)
        {
            if (recent.TryGetValue(credential, out var client))
                return client;
            if (!older.TryGetValue(credential, out client))
                return null;
            Add(credential, client);
            return client;
        }

        internal void Add(string credential, string client)
        {
            if (recent.Count >= MostInHalf)
                lock (gate)
                    if (recent.Count >= MostInHalf)
                        (older, recent) = (recent, new(StringComparer.Ordinal));
            recent[credential] = client;
        }

        internal void Remove(string credential)
        {
            recent.TryRemove(credential, out _);
            older.TryRemove(credential, out _);
        }
    }
}
