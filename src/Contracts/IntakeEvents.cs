namespace Boon.Contracts;

// What other systems report is logged by Intake as external.TYPE, with the reported data as it is: it has no record here.

/// <summary>An operator made an API key, with which a system can report events.</summary>
public sealed record ApiKeyCreated(Guid ApiKeyId, string KeyName, Guid CreatedBy) : IEvent
{
    public static string Name => "intake.api-key-created.v1";
    string IEvent.AggregateType => "api-key";
    string IEvent.AggregateId => ApiKeyId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>
/// A user's account was erased, and the data of all that was reported about the user before this event is removed from Intake's log: copies
/// of it do the same.
/// </summary>
public sealed record ReportsErased(Guid UserId) : IEvent
{
    public static string Name => "intake.reports-erased.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An operator revoked an API key: it is refused from now on.</summary>
public sealed record ApiKeyRevoked(Guid ApiKeyId, Guid RevokedBy) : IEvent
{
    public static string Name => "intake.api-key-revoked.v1";
    string IEvent.AggregateType => "api-key";
    string IEvent.AggregateId => ApiKeyId.ToString();
    Guid? IEvent.UserId => null;
}
