namespace Boon.Identity.Accounts;

/// <summary>Counts in windows of the database's clock, over all processes: <c>identity.sign_in_failures</c>, a row for each key.</summary>
internal static class Attempts
{
    /// <summary>How long until the last of the windows ends that are full; null when none is.</summary>
    internal static Task<TimeSpan?> LockedForAsync(ISqlSource source, (string Key, int Most)[] limits, CancellationToken ct) =>
        source.Command("""
            select max(f.window_ends - now())
            from unnest($1::text[], $2::int[]) asked (key, most)
            join identity.sign_in_failures f on f.key = asked.key
            where f.window_ends > now() and f.failures >= asked.most
            """, limits.Column(limit => limit.Key), limits.Column(limit => limit.Most))
            .ScalarAsync<TimeSpan?>(ct);

    /// <summary>Counts one, at once and for good, unless the window is full: then answers how long it lasts.</summary>
    internal static async Task<TimeSpan?> TryCountAsync(ISqlSource source, string key, int most, TimeSpan window, CancellationToken ct)
    {
        var counted = await CountAsync(source, [key], window, most, ct);
        return counted.Count == 1 ? null
            : await LockedForAsync(source, [(key, most)], ct) ?? TimeSpan.Zero; // the window may have ended just now
    }

    /// <summary>
    /// Counts one under each key whose window is not full; answers those keys with their counts and how long their windows last.
    /// </summary>
    internal static Task<List<(string Key, int Count, TimeSpan Left)>> CountAsync(
        ISqlSource source, string[] keys, TimeSpan window, int most, CancellationToken ct) =>
        // In one order for all, so that two that count never wait for each other.
        source.Command("""
            insert into identity.sign_in_failures as f (key, failures, window_ends)
            select key, 1, now() + $2
            from unnest($1::text[]) key
            order by key
            on conflict (key) do update set
                failures = case when f.window_ends > now() then f.failures + 1 else 1 end,
                window_ends = case when f.window_ends > now() then f.window_ends else now() + $2 end
            where f.window_ends <= now() or f.failures < $3
            returning key, failures, window_ends - now()
            """, keys, window, most)
            .ReadAllAsync(row => (row.GetString(0), row.GetInt32(1), row.GetTimeSpan(2)), ct);
}
