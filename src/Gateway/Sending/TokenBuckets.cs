using System.Collections.Concurrent;

namespace Boon.Gateway.Sending;

/// <summary>
/// A token bucket for each client, of which one number is kept: when it will be full again. This is the virtual scheduling of the Generic
/// Cell Rate Algorithm (ITU-T I.371). A bucket that is full is like one that was never seen, and is forgotten.
/// </summary>
/// <param name="perSecond">Requests a second of one client; so many at once after a pause.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenBuckets(int perSecond, TimeProvider time)
{
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, long> fullAt = new(StringComparer.Ordinal);
    private readonly long perRequest = Math.Max(1, time.TimestampFrequency / perSecond);
    private long forgottenAt = time.GetTimestamp();

    /// <summary>How many buckets are not full.</summary>
    internal int Count => fullAt.Count;

    /// <summary>Takes one token. False when the bucket is empty, and then after how long it has one again.</summary>
    internal bool TryTake(string client, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        while (true)
        {
            var now = time.GetTimestamp();
            var known = fullAt.TryGetValue(client, out var before);
            var full = (known && before > now ? before : now) + perRequest;
            if (full - now > perRequest * perSecond)
            {
                retryAfter = time.GetElapsedTime(now, full - (perRequest * perSecond));
                return false;
            }
            if (known ? fullAt.TryUpdate(client, full, before) : fullAt.TryAdd(client, full))
            {
                ForgetFull(now);
                return true;
            }
        }
    }

    private void ForgetFull(long now)
    {
        var last = Interlocked.Read(ref forgottenAt);
        if (time.GetElapsedTime(last, now) < ForgetInterval || Interlocked.CompareExchange(ref forgottenAt, now, last) != last)
            return;
        foreach (var bucket in fullAt)
            if (bucket.Value <= now)
                fullAt.TryRemove(bucket); // only if it is still so
    }
}
