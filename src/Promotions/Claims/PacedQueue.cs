using Boon.Promotions.Pool;

namespace Boon.Promotions.Claims;

/// <summary>
/// The queue of a paced type, as a pacer looks at it: which types have one, what is to be refused or freed in it, how many claims may
/// start.
/// </summary>
internal static class PacedQueue
{
    /// <summary>Two clock readings that are a second apart may be stored as a little less.</summary>
    internal static readonly TimeSpan ClockGrain = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a look waits for a type that somebody holds, before it lets others have its connection.</summary>
    private const string Patience = "1s";

    /// <summary>
    /// Claims at the front of a queue among which all of those in <c>working</c> are: twice the greatest concurrency, for claims that lost
    /// their worker are before them.
    /// </summary>
    private const int Front = 2_000;

    /// <summary>Types for which claims wait, each found by one look into the index of those; nobody is locked.</summary>
    internal static Task<List<string>> WaitingTypesAsync(ModuleDatabase<PromotionsDb> module, CancellationToken ct) =>
        module.Database.Background.Command("""
            with recursive types (name) as (
                (select k.type
                from promotions.claims k
                where k.state in ('queued', 'working')
                order by k.type
                limit 1)
                union all
                select (
                    select k.type
                    from promotions.claims k
                    where k.type > t.name and k.state in ('queued', 'working')
                    order by k.type
                    limit 1)
                from types t
                where t.name is not null
            )
            select name
            from types
            where name is not null
            """)
            .ReadAllAsync(row => row.GetString(0), ct);

    /// <summary>
    /// Takes hold of a type, frees claims that lost their worker, refuses those that waited too long, and counts those in <c>working</c>:
    /// in one round trip, for the pace is as even as a look is short. Null when there is no such type.
    /// </summary>
    internal static async Task<(CouponPool Pool, bool Changed, int Working)?> LookAsync(
        Unit<PromotionsDb> unit, string type, CancellationToken ct)
    {
        var look = new RoundTrip(unit);
        look.Add($"set local lock_timeout = '{Patience}'");
        var held = CouponPool.Hold(look, unit, type);
        // A claim of the future was started before the database's clock was set back: its lease says nothing any more.
        var freed = look.Add("""
            update promotions.claims
            set state = 'queued', worker = null, started_at = null, working_until = null
            where type = $1 and state = 'working' and (working_until <= clock_timestamp() or started_at > clock_timestamp())
            """, type);
        var late = CouponPool.RefuseLate(look, unit, type);
        var working = look.Add("""
            select count(*)::int
            from (
                select state
                from promotions.claims
                where type = $1 and state in ('queued', 'working')
                order by ticket
                limit $2
            ) front
            where state = 'working'
            """, type, Front)
            .First(row => row.GetInt32(0));
        await look.RunAsync(ct);
        if (held.Value is not { } pool)
            return null;
        if (pool.ClockWentBack)
        {
            var store = new RoundTrip(unit);
            pool.Store(store, claimed: 0);
            await store.RunAsync(ct);
        }
        return (pool, pool.ClockWentBack || freed.Rows > 0 || late.Rows > 0, working.Value);
    }

    /// <summary>How many claims may start now; and when the oldest grant leaves the second.</summary>
    internal static (int Free, DateTime? OpenAt) Free(CouponPool pool, int working)
    {
        if (pool.Pace is not { } pace)
            return (int.MaxValue, null);
        var recent = pool.RecentGrants.Where(at => at > pool.Now - TimeSpan.FromSeconds(1) - ClockGrain).ToList();
        var inSecond = pace.PerSecond!.Value - working - recent.Count;
        var atOnce = pace.Concurrency!.Value - working;
        var free = Math.Max(0,
            Math.Min(PromotionsDefences.PaceWindow.On
            ? inSecond : int.MaxValue, PromotionsDefences.WorkerLimit.On ? atOnce : int.MaxValue));
        return (free, inSecond <= 0 && recent.Count > 0 ? recent.Min() + TimeSpan.FromSeconds(1) + ClockGrain : null);
    }
}
