namespace Boon.Promotions.Campaigns;

/// <summary>
/// One row that orders changes of rules against batches of events: a batch holds it shared from before it reads the rules until it commits with its
/// checkpoint; a change holds it alone. So a change finds each source's checkpoint standing still, and applies to exactly the events after it.
/// </summary>
internal static class RulesLock
{
    internal static async Task SharedAsync(Unit<PromotionsDb> unit, CancellationToken ct)
    {
        await using var command = unit.Command("select from promotions.rules_lock for share");
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Takes the lock alone. Answers where each source's checkpoint stands: the change applies after it.</summary>
    internal static async Task<Dictionary<string, long>> ExclusiveAsync(Unit<PromotionsDb> unit, CancellationToken ct)
    {
        await using (var command = unit.Command("select from promotions.rules_lock for update"))
            await command.ExecuteNonQueryAsync(ct);
        await using var read = unit.Command("select source, sequence from promotions.checkpoints where subscription = $1", PromotionsModule.IssueVouchersSubscription);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var after = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
            after[reader.GetString(0)] = reader.GetInt64(1);
        return after;
    }

    /// <summary>Keeps the history of a campaign's rules: what they became, by whom, and after which events.</summary>
    internal static async Task RecordAsync(Unit<PromotionsDb> unit, Campaign campaign, Guid by, Dictionary<string, long> after, CancellationToken ct)
    {
        await using var command = unit.Command("""
            insert into promotions.campaign_changes (campaign_id, changed_by, state, issue_limit, ends_at, after) values ($1, $2, $3, $4, $5, $6::jsonb)
            """, campaign.Id, by, campaign.State, campaign.Limit, (object?)campaign.EndsAt ?? DBNull.Value, System.Text.Json.JsonSerializer.Serialize(after));
        command.Parameters[4].NpgsqlDbType = NpgsqlDbType.TimestampTz;
        await command.ExecuteNonQueryAsync(ct);
    }
}
