using System.Collections.Concurrent;

namespace Boon.Platform.Log;

/// <summary>
/// When each copy of this process was last known to hold all that its source had. The process that receives a copy knows it to the moment;
/// the others see it in the copy, some seconds later.
/// </summary>
public sealed class CopyFreshness(TimeProvider time)
{
    private readonly ConcurrentDictionary<(NpgsqlDataSource Pool, string Source), long> current = new();

    /// <summary>How long ago a copy held everything; null: not since it was made, as far as this process knows.</summary>
    public TimeSpan? Age(LogPlace copy) =>
        current.TryGetValue((copy.Database.Background, copy.Source), out var at) ? time.GetElapsedTime(at) : null;

    /// <summary>It did so long ago.</summary>
    public void Note(LogPlace copy, TimeSpan ago)
    {
        var at = time.GetTimestamp() - (long)(Math.Max(0, ago.TotalSeconds) * time.TimestampFrequency);
        current.AddOrUpdate((copy.Database.Background, copy.Source), at, (_, known) => Math.Max(known, at));
    }
}
