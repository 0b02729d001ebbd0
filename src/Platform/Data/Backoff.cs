namespace Boon.Platform.Data;

/// <summary>
/// The pauses of who tries again: each twice as long as the one before, up to the longest, with a jitter of a tenth so that many do not
/// come at once.
/// </summary>
public sealed class Backoff(TimeSpan first, TimeSpan longest)
{
    private TimeSpan? next;

    /// <summary>A loop's usual one: 100 ms to 5 s.</summary>
    public Backoff()
        : this(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5))
    {
    }

    /// <summary>The next pause.</summary>
    public TimeSpan Next()
    {
        var pause = next ?? first;
        next = pause * 2 < longest ? pause * 2 : longest;
        return Jittered(pause);
    }

    /// <summary>After a success.</summary>
    public void Reset() => next = null;

    /// <summary>About so long: a tenth more or less.</summary>
    internal static TimeSpan Jittered(TimeSpan span) => span * (0.9 + (Random.Shared.NextDouble() * 0.2));
}
