namespace Boon.Identity.Accounts;

/// <summary>Ends sessions, and logs it so that every process refuses their access tokens.</summary>
internal static class EndedSessions
{
    /// <summary>
    /// Ends a user's sessions, or one of them, or all but one: also those whose time is over, whose last token may still be good.
    /// </summary>
    internal static async Task EndAsync(
        Unit<IdentityDb> unit, AccessState access, Guid userId, string reason, CancellationToken ct, Guid? only = null, Guid? except = null)
    {
        var ended = await unit.Command("""
            update identity.sessions
            set ended_at = now()
            where user_id = $1 and ended_at is null and ($2 is null or id = $2) and ($3 is null or id <> $3)
            returning id
            """, userId, only, except)
            .ReadAllAsync(row => row.GetGuid(0), ct);
        foreach (var session in ended)
        {
            unit.Append(new SessionEnded(session, userId, reason));
            // Here at once. Should the commit fail, this process refuses a session whose owner wanted it gone: harmless.
            access.End(session);
        }
    }
}
