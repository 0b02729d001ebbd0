namespace Boon.Platform.Units;

/// <summary>
/// The keys of the requests that one transaction answers, one request or many: their rows are inserted before anything else, and get their answers before the
/// commit. Whoever inserts a key's row holds the key's advisory lock until its transaction ends. A transaction that does not get the lock inserts nothing and
/// does not wait: another request with this key is running.
/// </summary>
public static class IdempotencyKeys
{
    private static readonly string KeptFor = $"{IdempotencyClaim.KeptFor.TotalHours} hours";

    /// <summary>
    /// Most keys of one transaction: each holds an entry in the server's table of locks, which has 64 entries (max_locks_per_transaction) for each connection.
    /// </summary>
    public const int MostInTransaction = 48;

    /// <summary>Adds the statements that claim keys; <see cref="ReadClaimedAsync"/> reads what they answer. No two of the keys may be the same.</summary>
    public static void AddClaim(NpgsqlBatch batch, string schema, IReadOnlyList<IdempotencyClaim> claims)
    {
        // Whoever had the lock before has ended, and the insert meets its row whatever this statement's snapshot sees. In one order, for who has no locks yet:
        // processes of a former version.
        var insert = new NpgsqlBatchCommand($"""
            with asked as materialized (
                select caller, route, key, body_hash, pg_try_advisory_xact_lock(lock) as held
                from unnest($1, $2, $3, $4, $5) n (caller, route, key, body_hash, lock)
            )
            insert into {schema}.idempotency_keys as k (caller, route, key, body_hash)
            select caller, route, key, body_hash
            from asked
            where held
            order by caller, route, key
            on conflict (caller, route, key) do update
                set body_hash = excluded.body_hash, status = null, content_type = null, location = null, body = null, created_at = now()
                where k.created_at < now() - interval '{KeptFor}'
            returning k.caller, k.route, k.key
            """);
        Bind(insert, claims);
        insert.Parameters.Add(new() { Value = claims.Select(claim => claim.BodyHash).ToArray() });
        insert.Parameters.Add(new() { Value = claims.Select(claim => claim.LockIn(schema)).ToArray() });
        batch.BatchCommands.Add(insert);
        AddFind(batch, schema, claims);
    }

    /// <summary>Reads the answers of <see cref="AddClaim"/>: why keys were not claimed. A key that is not among them is this transaction's.</summary>
    public static async Task<Dictionary<(string, string, string), IdempotencyException>> ReadClaimedAsync(
        NpgsqlDataReader reader, IReadOnlyList<IdempotencyClaim> claims, CancellationToken ct)
    {
        var own = new HashSet<(string, string, string)>(claims.Count);
        while (await reader.ReadAsync(ct))
            own.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2)));
        await reader.NextResultAsync(ct);
        var refused = await ReadFoundAsync(reader, claims, ct);
        foreach (var claim in claims)
            if (!own.Contains(claim.Id))
                refused.TryAdd(claim.Id, new IdempotencyException(IdempotencyException.InFlight));
        return refused;
    }

    internal static void AddFind(NpgsqlBatch batch, string schema, IReadOnlyList<IdempotencyClaim> claims)
    {
        var find = new NpgsqlBatchCommand($"""
            select k.caller, k.route, k.key, k.body_hash, k.status, k.content_type, k.location, k.body
            from unnest($1, $2, $3) n (caller, route, key)
            cross join lateral (
                select * from {schema}.idempotency_keys x where x.caller = n.caller and x.route = n.route and x.key = n.key offset 0
            ) k
            where k.status is not null and k.created_at >= now() - interval '{KeptFor}'
            """);
        Bind(find, claims);
        batch.BatchCommands.Add(find);
    }

    internal static async Task<Dictionary<(string, string, string), IdempotencyException>> ReadFoundAsync(
        NpgsqlDataReader reader, IReadOnlyList<IdempotencyClaim> claims, CancellationToken ct)
    {
        var sent = claims.ToDictionary(claim => claim.Id, claim => claim.BodyHash);
        var found = new Dictionary<(string, string, string), IdempotencyException>();
        while (await reader.ReadAsync(ct))
        {
            var id = (reader.GetString(0), reader.GetString(1), reader.GetString(2));
            found[id] = !sent[id].AsSpan().SequenceEqual(reader.GetFieldValue<byte[]>(3))
                ? new IdempotencyException("idempotency-mismatch")
                : new IdempotencyException("replay", new StoredAnswer(
                    reader.GetInt32(4), reader.IsDBNull(5) ? null : reader.GetString(5), reader.IsDBNull(6) ? null : reader.GetString(6), reader.GetFieldValue<byte[]>(7)));
        }
        return found;
    }

    /// <summary>Stores answers in the transaction that holds the effects; a key without an answer to keep is given back.</summary>
    public static async Task StoreAsync(Unit unit, IReadOnlyList<(IdempotencyClaim Claim, StoredAnswer? Answer)> answers, CancellationToken ct)
    {
        var kept = answers.Where(one => one.Answer is not null).ToList();
        var others = answers.Where(one => one.Answer is null).ToList();
        await using var batch = new NpgsqlBatch(unit.Connection);
        if (kept.Count > 0)
            batch.BatchCommands.Add(Store(unit.Database.Schema, kept.ConvertAll(one => one.Claim), kept.ConvertAll(one => one.Answer!)));
        if (others.Count > 0)
            batch.BatchCommands.Add(GiveBack(unit.Database.Schema, others.ConvertAll(one => one.Claim)));
        if (answers.Count > 0 && await batch.ExecuteNonQueryAsync(ct) != answers.Count)
            throw new InvalidOperationException("A key that this transaction claimed is not there.");
    }

    private static NpgsqlBatchCommand Store(string schema, List<IdempotencyClaim> claims, List<StoredAnswer> answers)
    {
        var store = new NpgsqlBatchCommand($"""
            update {schema}.idempotency_keys k set status = a.status, content_type = a.content_type, location = a.location, body = a.body
            from unnest($1, $2, $3, $4, $5, $6, $7) a (caller, route, key, status, content_type, location, body)
            cross join lateral (
                select x.ctid from {schema}.idempotency_keys x where x.caller = a.caller and x.route = a.route and x.key = a.key offset 0
            ) at
            where k.ctid = at.ctid
            """);
        Bind(store, claims);
        store.Parameters.Add(new() { Value = answers.ConvertAll(answer => answer.Status) });
        store.Parameters.Add(new() { Value = answers.ConvertAll(answer => answer.ContentType), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        store.Parameters.Add(new() { Value = answers.ConvertAll(answer => answer.Location), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        store.Parameters.Add(new() { Value = answers.ConvertAll(answer => answer.Body) });
        return store;
    }

    private static NpgsqlBatchCommand GiveBack(string schema, List<IdempotencyClaim> claims)
    {
        var delete = new NpgsqlBatchCommand($"""
            delete from {schema}.idempotency_keys k
            using unnest($1, $2, $3) a (caller, route, key)
            cross join lateral (
                select x.ctid from {schema}.idempotency_keys x where x.caller = a.caller and x.route = a.route and x.key = a.key offset 0
            ) at
            where k.ctid = at.ctid
            """);
        Bind(delete, claims);
        return delete;
    }

    private static void Bind(NpgsqlBatchCommand command, IReadOnlyList<IdempotencyClaim> claims)
    {
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Id.Caller).ToArray() });
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Id.Route).ToArray() });
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Id.Key).ToArray() });
    }
}
