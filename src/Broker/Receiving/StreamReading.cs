using Boon.Broker.Transport;

namespace Boon.Broker.Receiving;

/// <summary>What a message of a stream means for a copy.</summary>
internal enum Verdict
{
    /// <summary>It is dealt with: the next event, one that the copy has, or a heartbeat.</summary>
    Taken,

    /// <summary>It comes too early: events before it are missing.</summary>
    Ahead,

    /// <summary>It is of a time before the log had the id that the copy knows.</summary>
    Old,

    /// <summary>Somebody else than the source's broker user has published it.</summary>
    Foreign,

    /// <summary>It cannot be read.</summary>
    Unreadable,

    /// <summary>It is of another stream than the one that was read so far: that must be read from its first message.</summary>
    AnotherStream,

    /// <summary>It has the id of another log, and the stream's end must be asked for again to know which of the two is newer.</summary>
    AskEnd,

    /// <summary>It is of a log that is another one.</summary>
    AnotherLog,
}

/// <summary>How far a copy is, as its tables say it.</summary>
/// <param name="Last">The last sequence.</param>
/// <param name="LogId">The id of the log that it is a copy of; null while it is empty.</param>
/// <param name="Stream">The id of the stream that it was received from.</param>
/// <param name="Offset">The place in that stream up to which everything was dealt with.</param>
/// <param name="Offered">The id of another log that waits to be accepted; then nothing is received.</param>
/// <param name="Trouble">What is wrong.</param>
/// <param name="CurrentAgo">When it was last known to hold everything; null: never.</param>
internal sealed record CopyState(
    long Last, Guid? LogId, Guid? Stream, long Offset, Guid? Offered = null, string? Trouble = null, TimeSpan? CurrentAgo = null);

/// <summary>
/// Reads a stream for a copy, message by message. It decides only; what is to be written stands in <see cref="Fresh"/> and
/// <see cref="Known"/> until <see cref="Written"/>.
/// </summary>
/// <param name="state">How far the copy is.</param>
/// <param name="end">The stream's end when its reading began.</param>
/// <param name="publisher">The broker user who may write this stream.</param>
/// <param name="fromFirst">True when reading began with the stream's first message.</param>
internal sealed class StreamReading(CopyState state, StreamEnd end, string publisher, bool fromFirst)
{
    /// <summary>The next events of the copy, in order.</summary>
    internal List<LoggedEvent> Fresh { get; } = [];

    /// <summary>Events that the copy has already: they must be the same ones.</summary>
    internal List<LoggedEvent> Known { get; } = [];

    /// <summary>The stream's end as it is known.</summary>
    internal StreamEnd End { get; set; } = end;

    /// <summary>The last sequence of the copy, with what is still to be written.</summary>
    internal long Last { get; private set; } = state.Last;

    /// <summary>The id of the log. A new copy takes the newest.</summary>
    internal Guid LogId { get; } = state.LogId ?? end.LogId;

    /// <summary>The stream's id.</summary>
    internal Guid Stream { get; private set; } = end.Stream;

    /// <summary>The place up to which everything is dealt with: it stays before what is missing.</summary>
    internal long Offset { get; private set; } = fromFirst ? -1 : state.Offset;

    /// <summary>The place of the last message that was read.</summary>
    internal long Read { get; private set; } = fromFirst ? -1 : state.Offset;

    /// <summary>The source's head, as the last message says it.</summary>
    internal long SourceHead { get; private set; }

    /// <summary>The first event that came too early; null: nothing is missing.</summary>
    internal long? Early { get; private set; }

    /// <summary>True when the last message says that the copy has everything, and all of it is written.</summary>
    internal bool IsCurrent => Early is null && SourceHead > -1 && SourceHead <= Last && Heard;

    /// <summary>True when a message of the source was read.</summary>
    internal bool Heard { get; private set; }

    /// <summary>Deals with a message.</summary>
    internal Verdict Take(ReceivedMessage received)
    {
        // A broker that does not say who published a message keeps others out by itself.
        if (BrokerDefences.OwnPublisher.On && received.Publisher is { } by && by != publisher)
            return Passed(received, Verdict.Foreign);
        if (received.Message is not { } message)
            return Passed(received, Verdict.Unreadable);
        if (message.Stream != Stream)
        {
            if (!fromFirst)
                return Verdict.AnotherStream;
            Stream = message.Stream;
        }
        if (message.LogId != LogId)
        {
            if (received.Offset > End.Offset)
                return Verdict.AskEnd;
            return message.LogId == End.LogId ? Verdict.AnotherLog : Passed(received, Verdict.Old);
        }
        (SourceHead, Heard) = (message.Head, true);
        return Passed(received, message.Event is { } e ? Take(e) : Hear(message));
    }

    /// <summary>What was to be written is.</summary>
    internal void Written()
    {
        Fresh.Clear();
        Known.Clear();
    }

    private Verdict Take(LoggedEvent e)
    {
        if (e.Sequence <= Last)
        {
            if (!IsFresh(e))
                Known.Add(e);
            return Verdict.Taken;
        }
        if (e.Sequence > Last + 1 && BrokerDefences.CopyInOrder.On)
        {
            Early ??= e.Sequence;
            return Verdict.Ahead;
        }
        Fresh.Add(e);
        (Last, Early) = (e.Sequence, null);
        return Verdict.Taken;
    }

    /// <summary>True for an event that is still to be written, and comes again.</summary>
    private bool IsFresh(LoggedEvent e)
    {
        var at = Fresh.Count == 0 ? -1 : e.Sequence - Fresh[0].Sequence;
        return at >= 0 && at < Fresh.Count && (Fresh[(int)at].Sequence, Fresh[(int)at].Id) == (e.Sequence, e.Id);
    }

    private Verdict Hear(LogMessage heartbeat)
    {
        if (heartbeat.Shipped <= Last || !BrokerDefences.CopyInOrder.On)
            return Verdict.Taken;
        Early ??= heartbeat.Shipped;
        return Verdict.Ahead;
    }

    private Verdict Passed(ReceivedMessage received, Verdict verdict)
    {
        Read = received.Offset;
        if (Early is null)
            Offset = received.Offset;
        return verdict;
    }
}
