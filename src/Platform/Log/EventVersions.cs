namespace Boon.Platform.Log;

/// <summary>
/// Which versions of events this build knows. What a later build logs under a known name is not for this one to judge: who reads it waits
/// until it is upgraded.
/// </summary>
public sealed class EventVersions(EventTypes types)
{
    private readonly Lazy<ILookup<string, string>> known = new(() =>
        types.All.ToLookup(type => type.Kind, type => type.Name, StringComparer.Ordinal));

    /// <summary>False for an event of a known name in a version that is not known.</summary>
    public bool Knows(string type) => !known.Value.Contains(EventNames.WithoutVersion(type))
        || known.Value[EventNames.WithoutVersion(type)].Contains(type, StringComparer.Ordinal);

    /// <summary>Throws where a log cannot be read on.</summary>
    /// <exception cref="UnknownVersionException">The event's version is not known.</exception>
    public void Check(LoggedEvent e)
    {
        if (Defences.KnownVersions.On && !Knows(e.Type))
            throw new UnknownVersionException(e.Source, e.Type);
    }

    /// <summary>
    /// The part of a page that can be handled: up to the first event of an unknown version, which is answered beside it; null: there is
    /// none.
    /// </summary>
    internal (LogPage Page, LoggedEvent? Unknown) Cut(LogPage page, LogMark before)
    {
        if (!Defences.KnownVersions.On || page.Events.FirstOrDefault(e => !Knows(e.Type)) is not { } unknown)
            return (page, null);
        var events = page.Events.TakeWhile(e => e != unknown).ToList();
        var mark = events.Count == 0 ? before : new LogMark(page.Mark.LogId, events[^1].Sequence, events[^1].Id);
        return (page with { Events = events, UpTo = unknown.Sequence - 1, Mark = mark }, unknown);
    }
}

/// <summary>A log has an event of a known name in a version that this build does not know.</summary>
public sealed class UnknownVersionException(string source, string type) : Exception(
    $"The log of {source} has an event {type}, a version that this build does not know: upgrade it.");
