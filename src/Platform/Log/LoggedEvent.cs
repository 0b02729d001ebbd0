using System.Diagnostics;
using System.Text.Json;
using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>An event as a reader sees it: its place in the log and what was recorded.</summary>
/// <param name="Source">The module whose log holds it.</param>
/// <param name="Sequence">Its dense place in that log: 1, 2, 3, with no gaps.</param>
/// <param name="Id">The event's own id (UUIDv7).</param>
/// <param name="Type">Its wire name with the version.</param>
/// <param name="AggregateType">The kind of thing it is about.</param>
/// <param name="AggregateId">The id of that thing.</param>
/// <param name="UserId">The user whom it concerns, if any.</param>
/// <param name="Payload">Its data: JSON in UTF-8.</param>
/// <param name="Time">When it happened.</param>
/// <param name="RecordedAt">When the sequencer gave it its number, by the database clock; never goes back along the log.</param>
/// <param name="TraceParent">The W3C trace context it was caused in.</param>
/// <param name="CausationId">The event that caused it, if one did.</param>
/// <param name="By">Who caused it, see <see cref="Actor"/>; null in events of before it was recorded.</param>
/// <param name="Reason">Why, as whoever caused it said; null: nothing was said.</param>
public sealed record LoggedEvent(
    string Source,
    long Sequence,
    Guid Id,
    string Type,
    string AggregateType,
    string AggregateId,
    Guid? UserId,
    byte[] Payload,
    DateTime Time,
    DateTime RecordedAt,
    string? TraceParent,
    Guid? CausationId,
    string? By,
    string? Reason = null)
{
    /// <summary>The wire name without its version: <c>identity.user-signed-in</c>.</summary>
    public string Kind => EventNames.WithoutVersion(Type);

    /// <summary>
    /// When it happened, as rules judge it: nothing happens after it was recorded, whatever the clock of its source said.
    /// </summary>
    public DateTime HappenedAt => Time < RecordedAt ? Time : RecordedAt;

    /// <summary>The span of handling this event, while it is handled and traced.</summary>
    internal Activity? Activity { get; set; }

    /// <summary>The payload as its event type.</summary>
    public TEvent As<TEvent>()
        where TEvent : IEvent => JsonSerializer.Deserialize(Payload, EventCatalog.JsonOf<TEvent>())
            ?? throw new JsonException($"The payload of {Type} {Id} is null.");

    /// <summary>The payload as a JSON document, to look at members by name. Dispose it.</summary>
    public JsonDocument Data() => JsonDocument.Parse(Payload);
}

/// <summary>An event that waits for its transaction to write it; without a time it happens with that transaction.</summary>
internal sealed record PendingEvent(
    Guid Id, string Type, string AggregateType, string AggregateId, Guid? UserId, string Payload, string? TraceParent, Guid? CausationId,
    string? By, DateTime? Time = null)
{
    /// <summary>Why it was caused, as whoever caused it said.</summary>
    internal string? Because { get; init; }

    /// <summary>Why something was refused, if that is what it says.</summary>
    internal string? Refusal { get; init; }

    /// <summary>
    /// What it is counted as: a type of ours, or one word for all types of other systems, who may have any number of them.
    /// </summary>
    internal string CountedAs => Type.StartsWith("external.", StringComparison.Ordinal) ? "external" : Type;

    internal static PendingEvent From<TEvent>(TEvent @event, string? traceParent, Guid? causationId, string? by)
        where TEvent : IEvent => new(
            OrderedId.New(), TEvent.Name, @event.AggregateType, @event.AggregateId, @event.UserId,
            JsonSerializer.Serialize(@event, EventCatalog.JsonOf<TEvent>()), traceParent, causationId, by)
                { Refusal = (@event as IRefusal)?.Reason };
}

/// <summary>Wire names.</summary>
public static class EventNames
{
    /// <summary><c>identity.user-signed-in.v1</c> to <c>identity.user-signed-in</c>; a name without a version stays as it is.</summary>
    public static string WithoutVersion(string type)
    {
        var dot = type.LastIndexOf(".v", StringComparison.Ordinal);
        return dot > 0 && dot + 2 < type.Length && type.AsSpan(dot + 2).IndexOfAnyExceptInRange('0', '9') < 0 ? type[..dot] : type;
    }
}
