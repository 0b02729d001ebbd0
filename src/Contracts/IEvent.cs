using System.Text.Json.Serialization;

namespace Boon.Contracts;

/// <summary>
/// A fact that happened, as it is written to a module's log: past tense, ids and values only.
/// A changed shape is a new version with a new <see cref="Name"/>.
/// </summary>
public interface IEvent
{
    /// <summary>The wire name with its version, such as <c>identity.user-signed-in.v1</c>. Never changes once released.</summary>
    static abstract string Name { get; }

    /// <summary>The generated code that writes it: that of Contracts, unless the event's record is elsewhere.</summary>
    static virtual JsonSerializerContext Json => EventJson.Default;

    /// <summary>The kind of thing that the event is about (Debezium's <c>aggregatetype</c>), such as <c>user</c>.</summary>
    string AggregateType { get; }

    /// <summary>The id of that thing (Debezium's <c>aggregateid</c>); the CloudEvents subject.</summary>
    string AggregateId { get; }

    /// <summary>The user whom the event concerns, if any. Lanes are chosen by it.</summary>
    Guid? UserId { get; }
}

/// <summary>Something was refused; the reason is one of a few words, and is counted by it.</summary>
public interface IRefusal
{
    /// <summary>Why, in a word such as <c>sold-out</c>.</summary>
    string Reason { get; }
}

/// <summary>Marks a member that holds personal data: erasing a user removes it from the log.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class PersonalAttribute : Attribute;
