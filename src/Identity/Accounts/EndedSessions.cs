namespace Boon.Identity.Accounts;

/// <summary>Ends sessions, and logs it so that every process refuses their access tokens.</summary>
internal static class EndedSessions
{
    /// <summary>Ends a user's sessions, or one of them, or all but one: also those whose time is over, whose last token may still be good.</summary>
    internal static async Task EndAsync(
        Unit<IdentityDb> unit, AccessState access, Guid userId, string reason, CancellationToken ct, Guid? only = null, Guid? except = null)
    {
        await using var end = unit.Command("""
            update identity.sessions set ended_at = now()
            where user_id = $1 and ended_at is null and ($2::uuid is null or id = $2) and ($3::uuid is null or id <> $3)
            returning id
            """, userId, (object?)only ?? DBNull.Value, (object?)except ?? DBNull.Value);
        end.Parameters[1].NpgsqlDbType = end.Parameters[2].NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid;
        var ended = new List<Guid>();
        await using (var reader = await end.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                ended.Add(reader.GetGuid(0));
        foreach (var session in ended)
        {
            unit.Append(new SessionEnded(session, userId, reason));
            // Here at once. Should the commit fail, this process refuses a session whose owner wanted it gone: harmless.
            access.End(session);
        }
    }
}
