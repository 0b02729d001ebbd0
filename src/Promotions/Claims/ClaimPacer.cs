using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace Boon.Promotions.Claims;

/// <summary>
/// Grants the queued claims of paced types. Every process runs one; the type's row in the database is the gate, and its clock the only
/// clock, so the pace, the concurrency and the waiting time hold over all processes, whichever of them die.
/// <para>
/// A claim goes from <c>queued</c> to <c>working</c> only while the claims in <c>working</c> and the grants of the last second together are
/// fewer than <c>perSecond</c>: each claim in <c>working</c> has its place in the coming second reserved, so a grant, however long it
/// takes, never makes an eleventh. A claim that stays in <c>working</c> for longer than its lease lost its worker, and goes back to its
/// place in the queue.
/// </para>
/// <para>Each type has a loop of its own: one whose row somebody holds, or that fails, delays no other.</para>
/// </summary>
internal sealed partial class ClaimPacer(ModuleDatabase<PromotionsDb> module, LogSignals signals, ILogger<ClaimPacer> logger)
    : BackgroundService
{
    /// <summary>How long a worker may take to grant a claim. A stopped process holds a claim for this long at most.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>
    /// From one look for types with waiting claims to the next: what another process queued before it died is found so soon.
    /// </summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    /// <summary>Looks at once: each takes a connection.</summary>
    private const int MostLooks = 8;

    /// <summary>This process as the worker of its claims.</summary>
    private readonly Guid worker = OrderedId.New();

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
        await module.Database.Loops.RepeatAsync(
            async () =>
            {
                foreach (var type in await PacedQueue.WaitingTypesAsync(module, stoppingToken))
                    Wake(type);
                foreach (var (name, type) in types)
                    type.Loop ??= PaceAsync(name, type, stoppingToken);
                await begin.WaitAsync(LookInterval, stoppingToken);
            },
            (error, _) => LogFailed(logger, "", error.Message), stoppingToken);
        await Task.WhenAll(types.Values.Select(type => type.Loop ?? Task.CompletedTask));
        await Task.WhenAll(types.Values.SelectMany(type => type.Granting));
    }

    /// <summary>One type's loop: looks when it is woken, and when a place in the second becomes free.</summary>
    private Task PaceAsync(string name, PacedType type, CancellationToken ct) => module.Database.Loops.RepeatAsync(
        async () => await type.Wake.WaitAsync(await LookAsync(name, type, ct) ?? Timeout.InfiniteTimeSpan, ct),
        (error, _) => LogFailed(logger, name, error.Message), ct);

    private async Task<TimeSpan?> LookAsync(string name, PacedType type, CancellationToken ct)
    {
        await looks.WaitAsync(ct);
        try
        {
            return await PassAsync(name, type, ct);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return PacedQueue.ClockGrain; // somebody holds the type
        }
        finally
        {
            looks.Release();
        }
    }

    /// <summary>
    /// Refuses who waited too long, frees what lost its worker, starts what may start. Answers when a place in the second becomes free, if
    /// that is what is lacking.
    /// </summary>
    private async Task<TimeSpan?> PassAsync(string name, PacedType type, CancellationToken ct)
    {
        List<PacedClaim> taken;
        TimeSpan? again = null;
        await using (var unit = new Unit<PromotionsDb>(module.ForBackground, signals))
        {
            await unit.BeginAsync(ct);
            if (await PacedQueue.LookAsync(unit, name, ct) is not { } look)
                return null;
            var (pool, changed, working) = look;
            var (free, openAt) = PacedQueue.Free(pool, working);
            taken = free > 0 ? await TakeAsync(unit, name, free, ct) : [];
            if (free == 0 && openAt is { } at)
                again = at - pool.Now + PacedQueue.ClockGrain;
            // A look that found nothing to do ends without a commit, which would be a write to disk while the pool is held.
            if (changed || taken.Count > 0)
                await unit.CommitAsync(ct);
        }
        type.Granting.RemoveAll(grant => grant.IsCompleted);
        if (taken.Count > 0)
            type.Granting.Add(GrantAsync(name, taken, ct));
        return again is { } wait && wait < TimeSpan.Zero ? PacedQueue.ClockGrain : again;
    }

    private async Task<List<PacedClaim>> TakeAsync(Unit<PromotionsDb> unit, string type, int most, CancellationToken ct)
    {
        var taken = await unit.Command("""
            update promotions.claims
            set state = 'working', worker = $2, started_at = clock_timestamp(), working_until = clock_timestamp() + $3
            where id = any (array(
                select id
                from promotions.claims
                where type = $1 and state = 'queued'
                order by ticket
                limit $4))
            returning id, user_id, ticket
            """, type, worker, Lease, most)
            .ReadAllAsync(row => new PacedClaim(row.GetGuid(0), row.GetGuid(1), row.GetInt64(2)), ct);
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
            if (!ct.IsCancellationRequested && !module.Database.Outages.Note(module.Database.Background, error))
                LogFailed(logger, type, error.Message);
        }
        finally
        {
            Wake(type);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not handle the queued claims of type '{Type}'; trying again later: {Error}",
        EventName = "pacer-failed")]
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
