namespace Boon.Quests.Progress;

/// <summary>Lists the events of a user that quests received, newest first, each with what it did and why.</summary>
internal static class ListReceived
{
    /// <summary>An event that a quest received.</summary>
    /// <param name="QuestId">The quest.</param>
    /// <param name="Outcome"><c>progressed</c>, <c>completed</c>, or why it did nothing: <c>all-completed</c>, <c>already-counted</c>,
    /// <c>too-late</c>, <c>paused</c>; <c>reversed</c>: it took back earlier ones.</param>
    /// <param name="Reversed">True: a later event took it back.</param>
    /// <param name="Streak">Events towards the next completion, after this one.</param>
    /// <param name="Completions">Completions, after this one.</param>
    /// <param name="RulesVersion">The version of the quest's rules that it was judged by, from 1.</param>
    /// <param name="Type">The event's name.</param>
    /// <param name="EventId">Its id.</param>
    /// <param name="Source">The module whose log holds it.</param>
    /// <param name="EventSequence">Its place in that log.</param>
    /// <param name="HappenedAt">When it happened; a window's day or week is that of this moment.</param>
    /// <param name="RecordedAt">When it was recorded.</param>
    /// <example>
    /// {"questId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "outcome": "progressed", "reversed": false, "streak": 2, "completions": 0,
    /// "rulesVersion": 1,
    /// "type": "identity.user-signed-in.v1", "eventId": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "source": "identity",
    /// "eventSequence": 1234, "happenedAt": "2026-05-01T09:30:00Z", "recordedAt": "2026-05-01T09:30:00Z"}
    /// </example>
    internal sealed record ReceivedEventView(
        Guid QuestId, string Outcome, bool Reversed, int Streak, int Completions, int RulesVersion, string Type, Guid EventId,
        string Source, long EventSequence, DateTimeOffset HappenedAt, DateTimeOffset RecordedAt);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/events", Handle)
        .ForMembers().WithTags("Quests")
        .WithSummary("The caller's events that quests received, newest first; `?questId=` selects a quest. With `?userId=`, an operator "
            + "sees those of another user.")
        .Produces<Page<ReceivedEventView>>()
        .CatchesUp(QuestsModule.TrackProgressSubscription);

    private static async Task<IResult> Handle(
        string? userId, string? questId, [AsParameters] PageQuery page, ClaimsPrincipal caller, ModuleDatabase<QuestsDb> module,
        CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out long? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        Guid? quest = Guid.TryParse(questId, out var id) ? id : null;
        if (questId is not null && quest is null)
            return Problems.NotFound("quest");
        // In the order of the user's index; the quest is in it too, so that what is another quest's is passed without its row.
        var found = await module.Command($"""
            select r.position, r.quest_id, r.outcome, r.streak, r.completions, r.version, r.type, r.event_id, r.source, r.sequence,
                r.happened_at, r.recorded_at, r.reversed_by is not null
            from (
                select position
                from quests.received
                where user_id = $1 and position < $2
                    {(quest is null ? "" : "and (quest_id = $4) is true")}
                order by position desc
                limit $3) p
            cross join lateral (select * from quests.received x where x.position = p.position offset 0) r
            order by r.position desc
            """, user, before ?? long.MaxValue, limit + 1, quest)
            .ReadAllAsync(row => (Position: row.GetInt64(0), View: Read(row)), ct);
        return TypedResults.Ok(PageQuery.Page(found, limit, row => (long?)row.Position, row => row.View));
    }

    private static ReceivedEventView Read(NpgsqlDataReader row) => new(
        row.GetGuid(1), row.GetString(2), row.GetBoolean(12), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5), row.GetString(6),
        row.GetGuid(7), row.GetString(8), row.GetInt64(9), row.GetDateTime(10), row.GetDateTime(11));
}
