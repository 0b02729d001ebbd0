using System.Text.Json;

namespace Boon.Quests.Catalog;

/// <summary>
/// The versions of quests' rules: what they became, by whom, and after which events. A received event names the version that it was judged
/// by.
/// </summary>
internal static class QuestHistory
{
    /// <summary>Takes the rules lock alone. Answers where the lanes that count events stand in each source.</summary>
    internal static async Task<Dictionary<string, long[]>> BeginAsync(Unit<QuestsDb> unit, CancellationToken ct)
    {
        var after = await RulesLock.ExclusiveAsync(unit, QuestsModule.TrackProgressSubscription, ct);
        await CatalogReader.ChangedAsync(unit, ct);
        return after;
    }

    /// <summary>Keeps a version.</summary>
    internal static Task RecordAsync(Unit<QuestsDb> unit, Quest quest, Guid by, Dictionary<string, long[]> after, CancellationToken ct) =>
        unit.Command("""
            insert into quests.versions (quest_id, version, changed_by, state, reward_id, streak, duplication, auto_claim, after)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
            """,
            quest.Id, quest.Version, by, quest.State, quest.RewardId, quest.Streak, quest.Duplication, quest.AutoClaim,
            JsonSerializer.Serialize(after))
            .ExecuteAsync(ct);

    internal static IResult NoSuchReward() => Refused("must be the id of a reward");

    /// <summary>A coupon may be used up before its quest's event is reversed: it could be earned again and again.</summary>
    internal static IResult NotTakenBack() =>
        Refused("must give gold or diamonds: with reversedBy, rewards are taken back, and coupons cannot be");

    internal static IResult Refused(string why)
    {
        var validation = new Validation();
        validation.Fail("rewardId", why);
        return Problems.Invalid(validation);
    }
}
