using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Coupons;

/// <summary>
/// Grants the queued claims of paced types. Every process runs one; the type's row in the database is the gate, and its clock the only clock, so the pace, the
/// concurrency and the waiting time hold over all processes, whichever of them die.
/// <para>
/// A claim goes from <c>queued</c> to <c>working</c> only while the claims in <c>working</c> and the grants of the last second together are fewer than
/// <c>perSecond</c>: each claim in <c>working</c> has its place in the coming second reserved, so a grant, however long it takes, never makes an eleventh.
/// A claim that stays in <c>working</c> for longer than its lease lost its worker, and goes back to its place in the queue.
/// </para>
/// <para>Each type has a loop of its own: one whose row somebody holds, or that fails, delays no other.</para>
/// </summary>
internal sealed partial class ClaimPacer(ModuleDatabase<PromotionsDb> module, LogSignals signals, ILogger<ClaimPacer> logger) : BackgroundService
{
    /// <summary>How long a worker may take to grant a claim. A stopped process holds a claim for this long at most.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>Two clock readings that are a second apart may be stored as a little less.</summary>
    private static readonly TimeSpan ClockGrain = TimeSpan.FromMilliseconds(1);

    /// <summary>From one look for types with waiting claims to the next: what another process queued before it died is found so soon.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long a look waits for a type that somebody holds, before it lets others have its connection.</summary>
    private const string Patience = "1s";

    /// <summary>Looks at once: each takes a connection.</summary>
    private const int MostLooks = 8;

    /// <summary>Claims at the front of a queue among which all of those in <c>working</c> are: twice the greatest concurrency, for claims that lost their worker are before them.</summary>
    private const int Front = 2_000;

    /// <summary>This process as the worker of its claims.</summary>
    private readonly Guid worker = Guid.CreateVersion7();

    private readonly ConcurrentDictionary<string, PacedType> types = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim looks = new(MostLooks, MostLooks);
    private readonly WakeSignal begin = new();

    /// <summary>A type with claims that wait: its wake-up, its loop once it has begun, and the grants that this process works on.</summary>
    private sealed record PacedType(WakeSignal Wake, List<Task> Granting)
    {
        internal Task? Loop { get; set; }
    }

    /// <summary>Claims of a type were queued, or a worker is free.</summary>
    internal void Wake(string type)
    {
        var waiting = types.GetOrAdd(type, _ => new PacedType(new WakeSignal(), []));
        waiting.Wake.Set();
        if (waiting.Loop is null)
            begin.Set();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var type in await WaitingTypesAsync(stoppingToken))
                    Wake(type);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                if (!module.Database.Outages.Note(module.Database.Source, error))
                    LogFailed(logger, "", error.Message);
                await module.Database.Outages.BackAsync(module.Database.Source, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            foreach (var (name, type) in types)
                type.Loop ??= PaceAsync(name, type, stoppingToken);
            await begin.WaitAsync(LookInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await Task.WhenAll(types.Values.Select(type => type.Loop ?? Task.CompletedTask));
        await Task.WhenAll(types.Values.SelectMany(type => type.Granting));
    }

    /// <summary>One type's loop: looks when it is woken, and when a place in the second becomes free.</summary>
    private async Task PaceAsync(string name, PacedType type, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            TimeSpan? again = null;
            await looks.WaitAsync(ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ct.IsCancellationRequested)
                return;
            try
            {
                again = await PassAsync(name, type, ct);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                again = ClockGrain;
            }
            catch (Exception error)
            {
                if (!ct.IsCancellationRequested)
                    LogFailed(logger, name, error.Message);
            }
            finally
            {
                looks.Release();
            }
            await type.Wake.WaitAsync(again ?? Timeout.InfiniteTimeSpan, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Types for which claims wait, each found by one look into the index of those; nobody is locked.</summary>
    private async Task<List<string>> WaitingTypesAsync(CancellationToken ct)
    {
        await using var command = module.Database.Background.CreateCommand("""
            with recursive types (name) as (
                (select k.type from promotions.claims k where k.state in ('queued', 'working') order by k.type limit 1)
                union all
                select (select k.type from promotions.claims k where k.type > t.name and k.state in ('queued', 'working') order by k.type limit 1)
                from types t where t.name is not null
            )
            select name from types where name is not null
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new List<string>();
        while (await reader.ReadAsync(ct))
            found.Add(reader.GetString(0));
        return found;
    }

    /// <summary>Refuses who waited too long, frees what lost its worker, starts what may start. Answers when a place in the second becomes free, if that is what is lacking.</summary>
    private async Task<TimeSpan?> PassAsync(string name, PacedType type, CancellationToken ct)
    {
        List<PacedClaim> taken;
        TimeSpan? again = null;
        await using (var unit = new Unit<PromotionsDb>(module.ForBackground, signals))
        {
            await unit.BeginAsync(ct);
            if (await LookAsync(unit, name, ct) is not { } look)
                return null;
            var (pool, changed, working) = look;
            var (free, openAt) = Free(pool, working);
            taken = free > 0 ? await TakeAsync(unit, name, free, ct) : [];
            if (free == 0 && openAt is { } at)
                again = at - pool.Now + ClockGrain;
            // A look that found nothing to do ends without a commit, which would be a write to disk while the pool is held.
            if (changed || taken.Count > 0)
                await unit.CommitAsync(ct);
        }
        type.Granting.RemoveAll(grant => grant.IsCompleted);
        if (taken.Count > 0)
            type.Granting.Add(GrantAsync(name, taken, ct));
        return again is { } wait && wait < TimeSpan.Zero ? ClockGrain : again;
    }

    /// <summary>
    /// Takes hold of a type, frees claims that lost their worker, refuses those that waited too long, and counts those in <c>working</c>: in one round trip, for the pace
    /// is as even as a look is short. Null when there is no such type.
    /// </summary>
    private static async Task<(CouponPool Pool, bool Changed, int Working)?> LookAsync(Unit<PromotionsDb> unit, string type, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(unit.Connection) { BatchCommands = { new($"set local lock_timeout = '{Patience}'") } };
        CouponPool.AddHold(batch, type);
        // A claim of the future was started before the database's clock was set back: its lease says nothing any more.
        batch.BatchCommands.Add(new("""
            update promotions.claims set state = 'queued', worker = null, started_at = null, working_until = null
            where type = $1 and state = 'working' and (working_until <= clock_timestamp() or started_at > clock_timestamp())
            returning id
            """)
        { Parameters = { new() { Value = type } } });
        batch.BatchCommands.Add(CouponPool.TimeOutCommand(type));
        batch.BatchCommands.Add(new("""
            select count(*)::int from (
                select state from promotions.claims
                where type = $1 and state in ('queued', 'working')
                order by ticket limit $2
            ) front
            where state = 'working'
            """)
        { Parameters = { new() { Value = type }, new() { Value = Front } } });
        CouponPool pool;
        bool changed;
        int working;
        await using (var reader = await batch.ExecuteReaderAsync(ct))
        {
            if (await CouponPool.ReadHeldAsync(unit, type, reader, ct) is not { } held)
                return null;
            pool = held;
            await reader.NextResultAsync(ct);
            changed = await reader.ReadAsync(ct);
            await reader.NextResultAsync(ct);
            changed |= await CouponPool.AppendTimedOutAsync(unit, type, reader, ct);
            await reader.NextResultAsync(ct);
            await reader.ReadAsync(ct);
            working = reader.GetInt32(0);
        }
        if (!pool.ClockWentBack)
            return (pool, changed, working);
        await using var store = new NpgsqlBatch(unit.Connection);
        pool.AddStore(store, claimed: 0);
        await store.ExecuteNonQueryAsync(ct);
        return (pool, true, working);
    }

    /// <summary>How many claims may start now; and when the oldest grant leaves the second.</summary>
    private static (int Free, DateTime? OpenAt) Free(CouponPool pool, int working)
    {
        if (pool.Pace is not { } pace)
            return (int.MaxValue, null);
        var recent = pool.RecentGrants.Where(at => at > pool.Now - TimeSpan.FromSeconds(1) - ClockGrain).ToList();
        var inSecond = pace.PerSecond!.Value - working - recent.Count;
        var atOnce = pace.Concurrency!.Value - working;
        var free = Math.Max(0, Math.Min(PromotionsDefences.PaceWindow ? inSecond : int.MaxValue, PromotionsDefences.WorkerLimit ? atOnce : int.MaxValue));
        return (free, inSecond <= 0 && recent.Count > 0 ? recent.Min() + TimeSpan.FromSeconds(1) + ClockGrain : null);
    }

    private async Task<List<PacedClaim>> TakeAsync(Unit<PromotionsDb> unit, string type, int most, CancellationToken ct)
    {
        await using var take = unit.Command("""
            update promotions.claims set state = 'working', worker = $2, started_at = clock_timestamp(), working_until = clock_timestamp() + $3
            where id = any (array(select id from promotions.claims where type = $1 and state = 'queued' order by ticket limit $4))
            returning id, user_id, ticket
            """, type, worker, Lease, most);
        await using var reader = await take.ExecuteReaderAsync(ct);
        var taken = new List<PacedClaim>();
        while (await reader.ReadAsync(ct))
            taken.Add(new PacedClaim(reader.GetGuid(0), reader.GetGuid(1), reader.GetInt64(2)));
        return [.. taken.OrderBy(claim => claim.Ticket)];
    }

    private async Task GrantAsync(string type, List<PacedClaim> claims, CancellationToken ct)
    {
        try
        {
            if (PromotionsDefences.GrantWork is { } work)
                await Task.WhenAll(claims.Select(_ => work()));
            await using var unit = new Unit<PromotionsDb>(module.ForBackground, signals);
            await unit.BeginAsync(ct);
            if (await PacedGrants.SettleAsync(unit, type, claims, worker, ct))
                await unit.CommitAsync(ct);
        }
        catch (Exception error)
        {
            // They stay in working until their lease is over, and are then granted by whoever comes by.
            if (!ct.IsCancellationRequested)
                LogFailed(logger, type, error.Message);
        }
        finally
        {
            Wake(type);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Queued claims of type '{Type}' wait for the next try: {Error}", EventName = "pacer-failed")]
    private static partial void LogFailed(ILogger logger, string type, string error);

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var type in types.Values)
            type.Wake.Dispose();
        looks.Dispose();
        begin.Dispose();
        base.Dispose();
    }
}
