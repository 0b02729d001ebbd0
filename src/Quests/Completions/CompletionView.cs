using Boon.Quests.Catalog;

namespace Boon.Quests.Completions;

/// <summary>A completion of a quest by a user.</summary>
/// <param name="QuestId">The quest.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Number">Which completion of the quest by this user, from 1.</param>
/// <param name="State"><c>claimable</c>, <c>pending</c> (claimed, and not granted yet), <c>granted</c>, or <c>withdrawn</c>: an event that
/// it rests on was reversed after it was claimed, and the reward is taken back.</param>
/// <param name="Reward">What it gives: the quest's reward when it was completed.</param>
/// <param name="CompletedAt">When the event happened that completed it.</param>
/// <param name="ClaimedAt">When it was claimed, by the member or by itself.</param>
/// <param name="GrantedAt">When the reward was in the wallet, or the coupons were the member's.</param>
/// <param name="WithdrawnAt">When it was withdrawn.</param>
/// <param name="PendingReason">Of a pending one, why it waits: <c>sold-out</c> or <c>type-unknown</c>.</param>
/// <param name="Source">The log that holds the event that completed it.</param>
/// <param name="EventSequence">That event's place in it.</param>
/// <example>
/// {"questId": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "userId": "0191f3a1-1a2b-7c3d-9e4f-7b2e9f3a4c5d", "number": 1, "state":
/// "granted", "reward": {"id": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "name": "10 diamonds", "item": "diamond", "quantity": 10},
/// "completedAt": "2026-05-01T09:30:00Z", "claimedAt": "2026-05-01T09:30:00Z", "grantedAt": "2026-05-01T09:30:00Z", "source":
/// "identity", "eventSequence": 1234}
/// </example>
internal sealed record CompletionView(
    Guid QuestId, Guid UserId, int Number, [AllowedValues("claimable", "pending", "granted", "withdrawn")] string State, RewardView Reward,
    DateTimeOffset CompletedAt, DateTimeOffset? ClaimedAt, DateTimeOffset? GrantedAt,
    DateTimeOffset? WithdrawnAt, string? PendingReason, string Source, long EventSequence)
{
    /// <summary>What <see cref="Read"/> reads, of completions <c>c</c> and rewards <c>r</c>.</summary>
    internal const string Columns = """
        c.quest_id, c.user_id, c.number,
        case when c.withdrawn_at is not null then 'withdrawn' when c.granted_at is not null then 'granted'
            when c.claimed_at is not null then 'pending' else 'claimable' end,
        r.id, r.name, r.item, r.quantity,
        c.completed_at, c.claimed_at, c.granted_at, c.withdrawn_at,
        case when c.granted_at is null and c.withdrawn_at is null then c.pending_reason end, c.source, c.sequence
        """;

    internal static CompletionView Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetGuid(1), reader.GetInt32(2), reader.GetString(3),
        new RewardView(reader.GetGuid(4), reader.GetString(5), reader.GetString(6), reader.GetInt32(7)),
        reader.GetDateTime(8), reader.GetNullable<DateTime>(9), reader.GetNullable<DateTime>(10),
        reader.GetNullable<DateTime>(11), reader.GetNullable<string>(12), reader.GetString(13), reader.GetInt64(14));
}
