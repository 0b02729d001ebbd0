using Boon.Identity.Accounts;
using Boon.Identity.Keys;
using Boon.Platform.Access.Tokens;
using Microsoft.Extensions.Configuration;

namespace Boon.Identity.Sessions;

/// <summary>
/// How long a used refresh token still gives a pair of the same session: two tabs that share a token refresh at once, and an answer may be
/// lost on its way.
/// </summary>
internal sealed record RefreshOverlap(TimeSpan Length)
{
    /// <summary><c>Boon:Tokens:RefreshOverlap</c> (00:00:10).</summary>
    internal static RefreshOverlap From(IConfiguration configuration) => new(Settings.RefreshOverlap.Of(configuration));
}

/// <summary>
/// Changes a refresh token for a new pair. A token works once, and for a moment longer (<see cref="RefreshOverlap"/>); its use after that
/// means that somebody copied it, so the whole session ends.
/// </summary>
internal static class RefreshSession
{
    /// <summary>The body of POST /v1/sessions/refresh.</summary>
    /// <param name="RefreshToken">The refresh token of a session, good once.</param>
    /// <example>{"refreshToken": "u1Zk8mB0W0Jx3vZ5yX9dTq2sN4rL6pQ7aE1cG8hK0oM"}</example>
    internal sealed record Request([Required, Length(1, 512)] string? RefreshToken);

    private sealed record Session(Guid Id, Guid UserId, TimeSpan Left)
    {
        internal static Session Read(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetGuid(1), row.GetTimeSpan(2));
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/sessions/refresh", Handle)
        .WithUnit<IdentityDb>().WithTags("Sessions").WithMetadata(BodyLimit.OfStrangers)
        .WithSummary("Gives a new pair of tokens for a refresh token, once.")
        .WithDescription("401 `invalid-refresh-token`: the token is unknown, has expired (30 minutes idle, 12 hours in all), was signed "
            + "out, or was used before. Within 10 seconds of its first use a token gives another pair of the same session, for two tabs "
            + "that refresh at once; reuse after that ends the session.")
        .Produces<SessionView>()
        .Refuses(StatusCodes.Status401Unauthorized, "invalid-refresh-token");

    private static async Task<IResult> Handle(
        Request request, Unit<IdentityDb> unit, AccessState access, RefreshOverlap overlap, SigningKeys keys, TokenOptions options,
        TimeProvider time, CancellationToken ct)
    {
        var validation = new Validation();
        if (!validation.Text(request.RefreshToken, "refreshToken", 1, 512))
            return Problems.Invalid(validation);
        var hash = SessionTokens.HashOf(request.RefreshToken!);
        var next = SessionTokens.NewRefreshToken();

        await unit.BeginAsync(ct);
        // Uses of one token follow each other by its row. The clock is that of the moment when the row was won, not of the transaction's
        // begin.
        var session = await unit.Command($"""
            with used as (
                update identity.refresh_tokens t
                set used_at = coalesce(t.used_at, clock_timestamp())
                from identity.sessions s
                where t.hash = $1
                    and (t.used_at is null or t.used_at > clock_timestamp() - $3)
                    and t.expires_at > now()
                    and s.id = t.session_id
                    and s.ended_at is null
                    and s.expires_at > now()
                returning s.id, s.user_id, s.expires_at
            ), token as (
                insert into identity.refresh_tokens (hash, session_id, expires_at)
                select $2, id, least(now() + interval '{SessionTokens.IdleLimit}', expires_at)
                from used
            )
            select id, user_id, expires_at - now()
            from used
            """, hash, SessionTokens.HashOf(next), IdentityDefences.RefreshOverlap.On ? overlap.Length : TimeSpan.Zero)
            .ReadFirstAsync(Session.Read, ct);
        if (session is null)
        {
            if (IdentityDefences.ReuseEndsSession.On)
                await EndIfReusedAsync(unit, access, hash, ct);
            return Problems.Of(StatusCodes.Status401Unauthorized, "invalid-refresh-token",
                "This refresh token is not valid, or no longer valid; sign in again.");
        }
        var user = await unit.Db.Users.AsNoTracking().SingleOrDefaultAsync(u => u.Id == session.UserId && u.Status == User.Active, ct);
        return user is null
            ? Problems.Of(StatusCodes.Status401Unauthorized, "invalid-refresh-token", "This account is closed.")
            : TypedResults.Ok(SessionTokens.Of(user, (session.Id, session.Left), next, keys, options, time));
    }

    private static async Task EndIfReusedAsync(Unit<IdentityDb> unit, AccessState access, byte[] hash, CancellationToken ct)
    {
        var session = await unit.Command("""
            select s.id, s.user_id, s.expires_at - now()
            from identity.refresh_tokens t
            join identity.sessions s on s.id = t.session_id
            where t.hash = $1 and t.used_at is not null and s.ended_at is null
            """, hash)
            .ReadFirstAsync(Session.Read, ct);
        if (session is null)
            return;
        await EndedSessions.EndAsync(unit, access, session.UserId, "refresh-token-reused", ct, only: session.Id);
        unit.KeepRefusal();
    }
}
