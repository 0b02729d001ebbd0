using System.Text.Json;

namespace Boon.Promotions.Campaigns;

/// <summary>A campaign as events are judged by it: parsed once for each version of its rules.</summary>
internal sealed record CampaignRule(
    Guid Id, string Trigger, JsonElement? When, RuleStart Start, DateTime? Until,
    bool Paused, DateTime? StartsAt, long Limit, int PerUser, Benefit Benefit) : EventRule(Id, Trigger, When, Start, Until)
{
    /// <summary>
    /// Reads what has changed; a draft, an ended campaign and one that has told enough members that it is exhausted judge nothing.
    /// </summary>
    internal static readonly string Select = $"""
        select id, state in ('active', 'paused') and not (issued >= issue_limit and ranked - issued >= {CampaignRules.MostTold}),
            trigger, when_json::text, counts_after::text, created_at, ends_at, state, starts_at, issue_limit, per_user, benefit::text
        from promotions.campaigns
        where rules_version > $1 and ($1 >= 0 or state in ('active', 'paused'))
        """;

    internal static CampaignRule Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetString(2), reader.IsDBNull(3) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(3)),
        RuleStart.Read(reader, 4), reader.IsDBNull(6) ? null : reader.GetDateTime(6), reader.GetString(7) == RuleState.Paused,
        reader.IsDBNull(8) ? null : reader.GetDateTime(8), reader.GetInt64(9), reader.GetInt32(10),
        JsonSerializer.Deserialize<Benefit>(reader.GetString(11), Json.Options)!);
}
