using System.Text.Json;

namespace Boon.Promotions.Campaigns;

/// <summary>A campaign: when which event gives whom a voucher of what benefit, and how often.</summary>
internal sealed class Campaign
{
    public required Guid Id { get; init; }
    public required string Name { get; set; }
    public string? Description { get; set; }
    public required string Trigger { get; init; }

    /// <summary>Members of the event's data that must be equal, as a JSON object; null: every event of the trigger matches.</summary>
    public string? WhenJson { get; init; }
    public required long Limit { get; set; }
    public required int PerUser { get; init; }
    public required string BenefitJson { get; init; }

    /// <summary>ISO 8601 duration.</summary>
    public required string VoucherValidFor { get; init; }
    public required int MaxUses { get; init; }
    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset? EndsAt { get; set; }
    public required string State { get; set; }

    /// <summary>Vouchers issued; written by the subscription only.</summary>
    public long Issued { get; private set; }

    /// <summary>Events found eligible, the refused for budget among them; the last rank given.</summary>
    public long Ranked { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>The place in each log after which it counts, see <see cref="RuleStart"/>.</summary>
    public string CountsAfterJson { get; set; } = "{}";

    internal Benefit Benefit => JsonSerializer.Deserialize<Benefit>(BenefitJson, Json.Options)!;
}

/// <summary>A campaign, as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For operators.</param>
/// <param name="Description">For operators.</param>
/// <param name="Trigger">The event that it reacts to.</param>
/// <param name="When">Members that the event's data must have.</param>
/// <param name="Limit">How many vouchers there are.</param>
/// <param name="PerUser">How many of them one user can get.</param>
/// <param name="Benefit">What a voucher takes off.</param>
/// <param name="VoucherValidFor">ISO 8601 duration.</param>
/// <param name="MaxUses">How often one voucher can be redeemed.</param>
/// <param name="StartsAt">Earlier events are refused: <c>not-started</c>.</param>
/// <param name="EndsAt">Events recorded from here on are not judged.</param>
/// <param name="State">Its state.</param>
/// <param name="Issued">Vouchers issued.</param>
/// <param name="Remaining">Vouchers that are left.</param>
/// <param name="Redeemed">Standing uses of its vouchers.</param>
/// <param name="CreatedAt">When it was created; it judges what comes after that in the logs.</param>
/// <param name="Warnings">For who creates or changes it: why its trigger may never fire.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "name": "First 100", "trigger": "identity.user-signed-in", "limit": 100, "perUser":
/// 1, "benefit": {"kind": "percent", "value": 30}, "voucherValidFor": "P30D", "maxUses": 1, "state": "active", "issued": 42,
/// "remaining": 58, "redeemed": 7, "createdAt": "2026-05-01T09:30:00Z"}
/// </example>
public sealed record CampaignView(
    Guid Id, string Name, string? Description, string Trigger, JsonElement? When, long Limit, int PerUser, Benefit Benefit,
    string VoucherValidFor,
    int MaxUses, DateTimeOffset? StartsAt, DateTimeOffset? EndsAt,
    [AllowedValues(RuleState.Draft, RuleState.Active, RuleState.Paused, RuleState.Ended)] string State, long Issued, long Remaining,
    long Redeemed, DateTimeOffset CreatedAt,
    string[]? Warnings = null)
{
    internal static CampaignView Of(Campaign campaign, long redeemed) => new(
        campaign.Id, campaign.Name, campaign.Description, campaign.Trigger,
        campaign.WhenJson is null ? null : JsonSerializer.Deserialize<JsonElement>(campaign.WhenJson),
        campaign.Limit, campaign.PerUser, campaign.Benefit, campaign.VoucherValidFor, campaign.MaxUses, campaign.StartsAt, campaign.EndsAt,
        campaign.State, campaign.Issued, campaign.Limit - campaign.Issued, redeemed, campaign.CreatedAt);
}
