namespace Boon.Contracts;

/// <summary>
/// An account was opened. <paramref name="Returning"/> is true when its e-mail address or phone number belonged to an account that was
/// erased, and Boon was told to remember that; events of earlier versions do not say.
/// </summary>
public sealed record UserRegistered(
    Guid UserId,
    [property: Personal] string? Username,
    [property: Personal] string? Email,
    [property: Personal] string? Phone,
    [property: Personal] string? FullName,
    bool? Returning) : IEvent
{
    public static string Name => "identity.user-registered.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A user changed details of the account; members that did not change are null.</summary>
public sealed record UserChanged(
    Guid UserId,
    [property: Personal] string? Username,
    [property: Personal] string? Email,
    [property: Personal] string? Phone,
    [property: Personal] string? FullName) : IEvent
{
    public static string Name => "identity.user-changed.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An operator set the roles of a user; tokens issued from now on carry them.</summary>
public sealed record UserRolesChanged(Guid UserId, string[] Roles, Guid ChangedBy) : IEvent
{
    public static string Name => "identity.user-roles-changed.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An account and its personal data were erased, in the log too.</summary>
public sealed record UserErased(Guid UserId) : IEvent
{
    public static string Name => "identity.user-erased.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// A user signed in. <paramref name="First"/> is true once in a user's life, and never for one who is returning; <paramref name="Number"/>
/// counts this user's sign-ins from 1. Refreshing a token is no sign-in.
/// </summary>
public sealed record UserSignedIn(
    Guid UserId,
    [property: Personal] string? Identifier,
    bool First,
    long Number) : IEvent
{
    public static string Name => "identity.user-signed-in.v1";
    string IEvent.AggregateType => "user";
    string IEvent.AggregateId => UserId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A session ended before its time: its access tokens are refused from now on.
/// <paramref name="Reason"/>: <c>signed-out</c>, <c>refresh-token-reused</c>, <c>password-changed</c>, <c>roles-changed</c> or
/// <c>user-erased</c>.</summary>
public sealed record SessionEnded(Guid SessionId, Guid UserId, string Reason) : IEvent
{
    public static string Name => "identity.session-ended.v1";
    string IEvent.AggregateType => "session";
    string IEvent.AggregateId => SessionId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// A signing key came into use: its public part (RFC 7517, base64url), good for verifying until <paramref name="RetiresAt"/>.
/// </summary>
public sealed record SigningKeyCreated(string Kid, string N, string E, DateTimeOffset RetiresAt) : IEvent
{
    public static string Name => "identity.signing-key-created.v1";
    string IEvent.AggregateType => "signing-key";
    string IEvent.AggregateId => Kid;
    Guid? IEvent.UserId => null;
}
