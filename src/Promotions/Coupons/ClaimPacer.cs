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
/// </summary>
internal sealed partial class ClaimPacer(ModuleDatabase<PromotionsDb> module, LogSignals signals, ILogger<ClaimPacer> logger) : BackgroundService
{
    /// <summary>How long a worker may take to grant a claim. A stopped process holds a claim for this long at most.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>Two clock readings that are a second apart may be stored as a little less.</summary>
    private static readonly TimeSpan ClockGrain = TimeSpan.FromMilliseconds(1);

    private readonly WakeSignal wake = new();

    /// <summary>This process as the worker of its claims.</summary>
    private readonly Guid worker = Guid.CreateVersion7();

    /// <summary>The grants that this process works on.</summary>
    private readonly List<Task> granting = [];

    private sealed record Taken(Guid Id, Guid UserId, long Ticket);

    /// <summary>Claims were queued, or a worker is free.</summary>
    internal void Wake() => wake.Set();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await RunAsync(stoppingToken);
        await Task.WhenAll(granting);
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var next = WakeSignal.Poll;
                foreach (var type in await WaitingTypesAsync(stoppingToken))
                    if (await PassAsync(type, stoppingToken) is { } again && again < next)
                        next = again;
                await wake.WaitAsync(next, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                LogFailed(logger, error.Message);
                await wake.WaitAsync(WakeSignal.Poll, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<List<string>> WaitingTypesAsync(CancellationToken ct)
    {
        await using var command = module.Database.Source.CreateCommand("""
            select name from promotions.coupon_types t
            where exists (select from promotions.claims k where k.type = t.name and k.state in ('queued', 'working'))
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var types = new List<string>();
        while (await reader.ReadAsync(ct))
            types.Add(reader.GetString(0));
        return types;
    }

    /// <summary>Refuses who waited too long, frees what lost its worker, starts what may start. Answers when a place in the second becomes free, if that is what is lacking.</summary>
    private async Task<TimeSpan?> PassAsync(string type, CancellationToken ct)
    {
        List<Taken> taken;
        TimeSpan? again = null;
        await using (var unit = new Unit<PromotionsDb>(module, signals))
        {
            await unit.BeginAsync(ct);
            if (await CouponPool.HoldAsync(unit, type, ct) is not { } pool)
                return null;
            await TimeOutAsync(unit, pool, ct);
            var (free, openAt) = await FreeAsync(unit, pool, ct);
            taken = free > 0 ? await TakeAsync(unit, type, free, ct) : [];
            if (free == 0 && openAt is { } at)
                again = at - pool.Now + ClockGrain;
            await unit.CommitAsync(ct);
        }
        granting.RemoveAll(grant => grant.IsCompleted);
        granting.AddRange(taken.Select(claim => GrantAsync(type, claim, ct)));
        return again is { } wait && wait < TimeSpan.Zero ? ClockGrain : again;
    }

    private static async Task TimeOutAsync(Unit<PromotionsDb> unit, CouponPool pool, CancellationToken ct)
    {
        // A claim of the future was started before the database's clock was set back: its lease says nothing any more.
        await using (var free = unit.Command("""
            update promotions.claims set state = 'queued', worker = null, started_at = null, working_until = null
            where type = $1 and state = 'working' and (working_until <= clock_timestamp() or started_at > clock_timestamp())
            """, pool.Type))
            await free.ExecuteNonQueryAsync(ct);
        if (pool.Pace is null)
            return;
        await using var late = unit.Command("""
            update promotions.claims set state = 'refused', reason = 'timed-out', nth = -ticket, settled_at = now()
            where type = $1 and state = 'queued' and created_at <= clock_timestamp() - make_interval(secs => $2)
            returning id, user_id
            """, pool.Type, (double)pool.Pace.MaxWaitSeconds!.Value);
        await using var reader = await late.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            unit.Append(new ClaimRefused(reader.GetGuid(0), reader.GetGuid(1), ClaimBatch.NameOf(pool.Type), "timed-out"), traceParent: null);
    }

    /// <summary>How many claims may start now; and when the oldest grant leaves the second.</summary>
    private static async Task<(int Free, DateTime? OpenAt)> FreeAsync(Unit<PromotionsDb> unit, CouponPool pool, CancellationToken ct)
    {
        if (pool.Pace is not { } pace || !PromotionsDefences.PaceGate)
            return (int.MaxValue, null);
        await using var count = unit.Command("select count(*)::int from promotions.claims where type = $1 and state = 'working'", pool.Type);
        var working = (int)(await count.ExecuteScalarAsync(ct))!;
        var recent = pool.RecentGrants.Where(at => at > pool.Now - TimeSpan.FromSeconds(1) - ClockGrain).ToList();
        var inSecond = pace.PerSecond!.Value - working - recent.Count;
        var free = Math.Max(0, Math.Min(inSecond, pace.Concurrency!.Value - working));
        return (free, inSecond <= 0 && recent.Count > 0 ? recent.Min() + TimeSpan.FromSeconds(1) + ClockGrain : null);
    }

    private async Task<List<Taken>> TakeAsync(Unit<PromotionsDb> unit, string type, int most, CancellationToken ct)
    {
        await using var take = unit.Command("""
            update promotions.claims set state = 'working', worker = $2, started_at = clock_timestamp(), working_until = clock_timestamp() + $3
            where id = any (array(select id from promotions.claims where type = $1 and state = 'queued' order by ticket limit $4))
            returning id, user_id, ticket
            """, type, worker, Lease, most);
        await using var reader = await take.ExecuteReaderAsync(ct);
        var taken = new List<Taken>();
        while (await reader.ReadAsync(ct))
            taken.Add(new Taken(reader.GetGuid(0), reader.GetGuid(1), reader.GetInt64(2)));
        return [.. taken.OrderBy(claim => claim.Ticket)];
    }

    private async Task GrantAsync(string type, Taken claim, CancellationToken ct)
    {
        try
        {
            if (PromotionsDefences.GrantWork is { } work)
                await work();
            await using var unit = new Unit<PromotionsDb>(module, signals);
            await unit.BeginAsync(ct);
            if (await SettleAsync(unit, type, claim, ct))
                await unit.CommitAsync(ct);
        }
        catch (Exception error)
        {
            // It stays in working until its lease is over, and is then granted by whoever comes by.
            if (!ct.IsCancellationRequested)
                LogFailed(logger, error.Message);
        }
        finally
        {
            wake.Set();
        }
    }

    /// <summary>Gives a claim its coupon, or refuses it when none is left; false when the claim is this worker's no more.</summary>
    private async Task<bool> SettleAsync(Unit<PromotionsDb> unit, string type, Taken claim, CancellationToken ct)
    {
        if (await CouponPool.HoldAsync(unit, type, ct) is not { } pool)
            return false;
        var coupon = await pool.TakeAsync(1, ct);
        // The grant counts from the transaction's own time, which is the time of its event too.
        await using var settle = unit.Command("""
            update promotions.claims set state = case when $3::uuid is null then 'refused' else 'granted' end, code_id = $3, reason = case when $3::uuid is null then 'sold-out' end,
                nth = case when $3::uuid is null then -ticket else nth end, settled_at = now(), worker = null, working_until = null
            where id = $1 and state = 'working' and worker = $2 and working_until > clock_timestamp()
            returning now()
            """, claim.Id, worker, (object?)coupon?.Id ?? DBNull.Value);
        settle.Parameters[2].NpgsqlDbType = NpgsqlDbType.Uuid;
        if (await settle.ExecuteScalarAsync(ct) is not DateTime grantedAt)
            return false;
        var name = ClaimBatch.NameOf(type);
        if (coupon is null)
            unit.Append(new ClaimRefused(claim.Id, claim.UserId, name, "sold-out"), traceParent: null);
        else
        {
            unit.Append(new CouponClaimed(claim.Id, claim.UserId, name, coupon.Code, coupon.ExpiresAt), traceParent: null);
            pool.RecentGrants = [.. pool.RecentGrants.Append(grantedAt).Order().TakeLast(pool.Pace?.PerSecond ?? 0)];
        }
        await using var batch = new NpgsqlBatch(unit.Connection);
        pool.AddStore(batch, coupon is null ? 0 : 1);
        await batch.ExecuteNonQueryAsync(ct);
        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "Queued claims wait for the next try: {Error}", EventName = "pacer-failed")]
    private static partial void LogFailed(ILogger logger, string error);

    /// <inheritdoc/>
    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }
}
