namespace Boon.Broker.Transport;

/// <summary>
/// A message of a module's log on a broker: an event, or a heartbeat, which only says how far the log and the stream are.
/// </summary>
/// <param name="Stream">
/// The id of this stream: made when its first message is published and repeated in each, so a stream that was wiped is seen as another one.
/// </param>
/// <param name="LogId">The id of the source's log.</param>
/// <param name="Shipped">The last sequence that is in the stream with this message; of an event, its own.</param>
/// <param name="Head">The head of the source's log when it was published.</param>
/// <param name="Event">The event; null: a heartbeat.</param>
public sealed record LogMessage(Guid Stream, Guid LogId, long Shipped, long Head, LoggedEvent? Event);

/// <summary>A message as a consumer got it.</summary>
/// <param name="Offset">Its place in the stream.</param>
/// <param name="Publisher">
/// The user who published it, as the broker vouches for it; empty: nobody said; null: this kind of broker never says (Kafka).
/// </param>
/// <param name="Message">What it says; null if it cannot be read.</param>
/// <param name="Fault">Why it cannot be read; null if it can.</param>
public sealed record ReceivedMessage(long Offset, string? Publisher, LogMessage? Message, string? Fault = null);

/// <summary>The last message of a stream.</summary>
/// <param name="Stream">The id of the stream.</param>
/// <param name="Offset">The place of the message.</param>
/// <param name="LogId">The id of the source's log.</param>
/// <param name="Sequence">The last sequence that was published, at that message or before it.</param>
public sealed record StreamEnd(Guid Stream, long Offset, Guid LogId, long Sequence);
