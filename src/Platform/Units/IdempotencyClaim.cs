using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Boon.Platform.Data;

namespace Boon.Platform.Units;

/// <summary>Why a request with an idempotency key does not run: it is in flight, mismatched, or has its answer already.</summary>
public sealed class IdempotencyException(string code, StoredAnswer? answer = null) : Exception($"Idempotency: {code}.")
{
    /// <summary>The code of a request whose first one still runs.</summary>
    public const string InFlight = "idempotency-in-flight";

    /// <summary>The code of a request whose key was used with another body.</summary>
    public const string Mismatch = "idempotency-mismatch";

    /// <summary><see cref="InFlight"/>, <see cref="Mismatch"/> or <c>replay</c>.</summary>
    public string Code => code;

    /// <summary>The answer to replay.</summary>
    public StoredAnswer? Answer => answer;
}

/// <summary>
/// A request's <c>Idempotency-Key</c>. The key's row, the effect and the answer are one transaction: a process that is killed leaves
/// nothing in flight. Kept 24 hours, by caller and route: the user, or without a token the address and whom the body is about, since many
/// people share an address.
/// </summary>
public sealed class IdempotencyClaim(string caller, string route, string key, byte[] bodyHash)
{
    /// <summary>How long an answer is kept: no setting, because clients are written for it.</summary>
    internal static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    /// <summary>What tells one key from another: who sent it, to which path, and its text.</summary>
    public (string Caller, string Route, string Key) Id => (caller, route, key);

    internal byte[] BodyHash => bodyHash;

    /// <summary>Throws if the key already has an answer; costs no transaction.</summary>
    public async Task ThrowIfAnsweredAsync(ModuleDatabase database, CancellationToken ct)
    {
        var (trip, found) = (new RoundTrip(database), new Dictionary<(string, string, string), IdempotencyException>());
        IdempotencyKeys.Find(trip, database.Schema, [this], found);
        await trip.RunAsync(ct);
        if (found.GetValueOrDefault(Id) is { } repeated)
            throw repeated;
    }

    /// <summary>
    /// The advisory lock that stands for this key of a module: two keys that share one by chance (1 in 2^64) are refused as if they were
    /// one.
    /// </summary>
    internal long LockIn(string schema) =>
        BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{schema}\0{caller}\0{route}\0{key}")));

    /// <summary>Inserts the key's row into the transaction. A key that another open transaction holds is a request in flight.</summary>
    public async Task ClaimAsync(Unit unit, CancellationToken ct)
    {
        var trip = new RoundTrip(unit);
        var refused = IdempotencyKeys.Claim(trip, unit.Database.Schema, [this]);
        await trip.RunAsync(ct);
        if (refused.GetValueOrDefault(Id) is { } repeated)
            throw repeated;
    }

    /// <summary>Stores the answer in the transaction that holds the effect.</summary>
    public async Task StoreAsync(Unit unit, StoredAnswer answer, CancellationToken ct)
    {
        var trip = new RoundTrip(unit);
        IdempotencyKeys.Store(trip, unit.Database.Schema, [(this, answer)]);
        await trip.RunAsync(ct);
    }
}
