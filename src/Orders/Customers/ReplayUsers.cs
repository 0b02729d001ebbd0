using System.Diagnostics;

namespace Boon.Orders.Customers;

/// <summary>
/// Rebuilds the known users from Identity's log, up to where the subscription has read it, and compares them with the live ones; puts right
/// what differs. Orders are placed meanwhile; only learning about new users stands still at the end, while the last events are folded and
/// the two are compared.
/// </summary>
internal sealed class ReplayUsers(ModuleDatabase<OrdersDb> module, LogPlaces places, EventVersions versions)
{
    /// <summary>Events between two reports of progress.</summary>
    private const int Report = 5_000;

    /// <summary>Users that are in memory before they are written beside the live ones.</summary>
    private const int MostInMemory = 50_000;

    /// <summary>Events that are read while learning stands still, at most about so many.</summary>
    private const int Few = 10_000;

    private const string Columns = "user_id, erased";

    internal async Task<ReplayReport> RunAsync(ReplayOptions options, IProgress<long> progress, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        await ReplayTables.ExecuteAsync(connection, "drop table if exists pg_temp.known_users_rebuilt", ct);
        await ReplayTables.ExecuteAsync(
            connection, "create temp table known_users_rebuilt (like orders.known_users including indexes)", ct);
        var users = new Dictionary<Guid, bool>();
        var (events, at) = (0L, 0L);
        // Nothing is held while much is read; what is left in the end takes a moment.
        for (var upTo = await ReadToAsync(connection, locked: false, ct); upTo - at > Few; upTo = await ReadToAsync(
            connection, locked: false, ct))
            await FoldAsync(upTo);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await FoldAsync(await ReadToAsync(connection, locked: true, ct));
        var folded = Stopwatch.GetElapsedTime(started);

        await ReplayTables.ExecuteAsync(connection, ReplayTables.PlansForWholeTables, ct);
        await ReplayTables.ExecuteAsync(connection, "analyze known_users_rebuilt", ct);
        var parts = new[] { await CompareAsync(connection, ct) };
        var (mended, proof) = (0, default(ReplayPart[]));
        if (!parts[0].Equal && !options.CheckOnly)
        {
            mended = await MendAsync(connection, ct);
            proof = [await CompareAsync(connection, ct)];
        }
        await transaction.CommitAsync(ct);
        await ReplayTables.ExecuteAsync(connection, "drop table pg_temp.known_users_rebuilt", ct);
        return new ReplayReport(events, folded, Stopwatch.GetElapsedTime(started), parts, mended, proof);

        async Task FoldAsync(long upTo)
        {
            var log = places.Of(OrdersModule.ModuleName, KnownUsers.Source);
            await foreach (var e in EventReader.ReadAllAsync(log.Database.Source, log, at, upTo, KnownUsers.Events, ct))
            {
                versions.Check(e);
                users[e.UserId!.Value] = e.Type == UserErased.Name || users.GetValueOrDefault(e.UserId.Value);
                if (users.Count == MostInMemory)
                    await WriteBesideAsync(connection, users, ct);
                if (++events % Report == 0)
                    progress.Report(events);
            }
            await WriteBesideAsync(connection, users, ct);
            at = upTo;
        }
    }

    /// <summary>Up to where the subscription has read; locked, it stays there until the transaction ends.</summary>
    private static async Task<long> ReadToAsync(NpgsqlConnection connection, bool locked, CancellationToken ct) =>
        await connection.Command($"""
            select sequence
            from orders.checkpoints
            where subscription = $1 and source = $2
            {(locked ? "for update" : "")}
            """, OrdersModule.LearnUsersSubscription, KnownUsers.Source)
            .ScalarAsync<long?>(ct)
        ?? throw new SetupException("Orders has not begun to learn users on this database: run `boon serve` once.");

    /// <summary>
    /// Adds users to what was written beside the live ones, and forgets them: an erased one stays erased, whatever is told of it later.
    /// </summary>
    private static async Task WriteBesideAsync(NpgsqlConnection connection, Dictionary<Guid, bool> users, CancellationToken ct)
    {
        await connection.Command($"""
            insert into known_users_rebuilt as u ({Columns})
            select user_id, erased
            from unnest($1, $2) n (user_id, erased)
            on conflict (user_id) do update set erased = u.erased or excluded.erased
            """, users.Column(user => user.Key), users.Column(user => user.Value))
            .WithoutLimit()
            .ExecuteAsync(ct);
        users.Clear();
    }

    private static Task<ReplayPart> CompareAsync(NpgsqlConnection connection, CancellationToken ct) =>
        ReplayTables.CompareAsync(connection, "known users", Columns, "known_users_rebuilt", "orders.known_users", ct);

    private static async Task<int> MendAsync(NpgsqlConnection connection, CancellationToken ct) =>
        await ReplayTables.ExecuteAsync(connection, """
            delete from orders.known_users u
            where not exists (select from known_users_rebuilt r where r.user_id = u.user_id)
            """, ct)
        + await ReplayTables.ExecuteAsync(connection, $"""
            insert into orders.known_users as u ({Columns})
            select {Columns}
            from known_users_rebuilt r
            where not exists (select from orders.known_users u where u.user_id = r.user_id and u.erased = r.erased)
            on conflict (user_id) do update set erased = excluded.erased
            """, ct);
}
