using System.Text.Json;

namespace Boon.Promotions.Campaigns;

/// <summary>A campaign as events are judged by it: parsed once for each version of its rules.</summary>
internal sealed record CampaignRule(
    Guid Id, string Trigger, JsonElement? When, DateTime From, DateTime? Until,
    bool Paused, DateTime? StartsAt, long Limit, int PerUser, Benefit Benefit) : EventRule(Id, Trigger, When, From, Until)
{
    /// <summary>Reads what has changed; a draft, an ended campaign and one that has told enough members that it is exhausted judge nothing.</summary>
    internal static readonly string Select = $"""
        select id, state in ('active', 'paused') and not (issued >= issue_limit and ranked - issued >= {CampaignRules.MostTold}),
            trigger, when_json::text, created_at, ends_at, state, starts_at, issue_limit, per_user, benefit::text
        from promotions.campaigns
        where rules_version > $1 and ($1 >= 0 or state in ('active', 'paused'))
        """;

    internal static CampaignRule Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetString(2), reader.IsDBNull(3) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(3)),
        reader.GetDateTime(4), reader.IsDBNull(5) ? null : reader.GetDateTime(5), reader.GetString(6) == Campaign.Paused,
        reader.IsDBNull(7) ? null : reader.GetDateTime(7), reader.GetInt64(8), reader.GetInt32(9),
        JsonSerializer.Deserialize<Benefit>(reader.GetString(10), Json.Options)!);
}
