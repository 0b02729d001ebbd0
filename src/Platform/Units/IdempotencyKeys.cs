using Boon.Platform.Data;

namespace Boon.Platform.Units;

/// <summary>
/// The keys of the requests that one transaction answers, one request or many: their rows are inserted before anything else, and get their
/// answers before the commit. Whoever inserts a key's row holds the key's advisory lock until its transaction ends. A transaction that does
/// not get the lock inserts nothing and does not wait: another request with this key is running.
/// </summary>
public static class IdempotencyKeys
{
    private static readonly string KeptFor = $"{IdempotencyClaim.KeptFor.TotalHours} hours";

    /// <summary>
    /// Most keys of one transaction: each holds an entry in the server's table of locks, which has 64 entries (max_locks_per_transaction)
    /// for each connection.
    /// </summary>
    public const int MostInTransaction = 48;

    /// <summary>
    /// Claims keys in a round trip; without keys it does nothing. After it, the answer says why keys were not claimed: one that is not in
    /// it is this transaction's. No two of the keys may be the same.
    /// </summary>
    public static IReadOnlyDictionary<(string, string, string), IdempotencyException> Claim(
        RoundTrip trip, string schema, IReadOnlyList<IdempotencyClaim> claims)
    {
        if (claims.Count == 0)
            return new Dictionary<(string, string, string), IdempotencyException>();
        // What is neither claimed nor answered belongs to a request that still runs.
        var refused = claims.ToDictionary(claim => claim.Id, _ => new IdempotencyException(IdempotencyException.InFlight));
        // Whoever had the lock before has ended, and the insert meets its row whatever this statement's snapshot sees. In one order, for
        // who has no locks yet: processes of a former version.
        trip.Add($"""
            with asked as materialized (
                select caller, route, key, body_hash, pg_try_advisory_xact_lock(lock) as held
                from unnest($1, $2, $3, $4, $5) n (caller, route, key, body_hash, lock)
            )
            insert into {schema}.idempotency_keys as k (caller, route, key, body_hash)
            select caller, route, key, body_hash
            from asked
            where held
            order by caller, route, key
            on conflict (caller, route, key) do update set
                body_hash = excluded.body_hash, status = null, content_type = null, location = null, body = null, created_at = now()
                where k.created_at < now() - interval '{KeptFor}'
            returning k.caller, k.route, k.key
            """,
            Callers(claims), Routes(claims), Keys(claims), claims.Column(claim => claim.BodyHash),
            claims.Column(claim => claim.LockIn(schema)))
            .Each(row => refused.Remove(Id(row)));
        Find(trip, schema, claims, refused);
        return refused;
    }

    /// <summary>Reads the answers that keys have already, in a round trip.</summary>
    internal static void Find(
        RoundTrip trip, string schema, IReadOnlyList<IdempotencyClaim> claims,
        Dictionary<(string, string, string), IdempotencyException> found)
    {
        var sent = claims.ToDictionary(claim => claim.Id, claim => claim.BodyHash);
        trip.Add($"""
            select k.caller, k.route, k.key, k.body_hash, k.status, k.content_type, k.location, k.body
            from unnest($1, $2, $3) n (caller, route, key)
            cross join lateral (
                select *
                from {schema}.idempotency_keys x
                where x.caller = n.caller and x.route = n.route and x.key = n.key
                offset 0) k
            where k.status is not null and k.created_at >= now() - interval '{KeptFor}'
            """, Callers(claims), Routes(claims), Keys(claims))
            .Each(row => found[Id(row)] = sent[Id(row)].AsSpan().SequenceEqual(row.GetFieldValue<byte[]>(3))
                ? new IdempotencyException("replay", new StoredAnswer(
                    row.GetInt32(4), row.GetNullable<string>(5), row.GetNullable<string>(6), row.GetFieldValue<byte[]>(7)))
                : new IdempotencyException(IdempotencyException.Mismatch));
    }

    /// <summary>
    /// Stores answers, in a round trip of the transaction that holds the effects; a key without an answer to keep is given back.
    /// </summary>
    public static void Store(RoundTrip trip, string schema, IReadOnlyList<(IdempotencyClaim Claim, StoredAnswer? Answer)> answers)
    {
        const string gone = "A key that this transaction claimed is not there.";
        var kept = answers.Where(one => one.Answer is not null).ToList();
        var others = answers.Where(one => one.Answer is null).Select(one => one.Claim).ToList();
        if (kept.Count > 0)
        {
            var claims = kept.ConvertAll(one => one.Claim);
            trip.Add($"""
                update {schema}.idempotency_keys k
                set status = a.status, content_type = a.content_type, location = a.location, body = a.body
                from unnest($1, $2, $3, $4, $5, $6, $7) a (caller, route, key, status, content_type, location, body)
                cross join lateral (
                    select x.ctid
                    from {schema}.idempotency_keys x
                    where x.caller = a.caller and x.route = a.route and x.key = a.key
                    offset 0) at
                where k.ctid = at.ctid
                """,
                Callers(claims), Routes(claims), Keys(claims), kept.Column(one => one.Answer!.Status),
                kept.Column(one => one.Answer!.ContentType),
                kept.Column(one => one.Answer!.Location), kept.Column(one => one.Answer!.Body))
                .MustTouch(kept.Count, gone);
        }
        if (others.Count > 0)
            trip.Add($"""
                delete from {schema}.idempotency_keys k
                using unnest($1, $2, $3) a (caller, route, key)
                cross join lateral (
                    select x.ctid
                    from {schema}.idempotency_keys x
                    where x.caller = a.caller and x.route = a.route and x.key = a.key
                    offset 0) at
                where k.ctid = at.ctid
                """, Callers(others), Routes(others), Keys(others))
                .MustTouch(others.Count, gone);
    }

    private static (string, string, string) Id(NpgsqlDataReader row) => (row.GetString(0), row.GetString(1), row.GetString(2));

    private static SqlValue Callers(IReadOnlyList<IdempotencyClaim> claims) => claims.Column(claim => claim.Id.Caller);

    private static SqlValue Routes(IReadOnlyList<IdempotencyClaim> claims) => claims.Column(claim => claim.Id.Route);

    private static SqlValue Keys(IReadOnlyList<IdempotencyClaim> claims) => claims.Column(claim => claim.Id.Key);
}
