namespace Boon.Contracts;

/// <summary>What a voucher or coupon takes off: <c>percent</c> of an amount (1 to 100) or a <c>fixed</c> amount in minor units of <paramref name="Currency"/>.</summary>
public sealed record Benefit(
    string Kind,
    long Value,
    string? Currency = null,
    long? MaxDiscount = null,
    long? MinSpend = null,
    string[]? Products = null);

/// <summary>A campaign was created.</summary>
public sealed record CampaignCreated(Guid CampaignId, string CampaignName, string Trigger, long Limit, Benefit Benefit, string State) : IEvent
{
    public static string Name => "promotions.campaign-created.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>A campaign's rules changed; the change applies to exactly the events after <paramref name="After"/>, a log sequence for each source.</summary>
public sealed record CampaignChanged(Guid CampaignId, string State, long Limit, DateTimeOffset? EndsAt, Dictionary<string, long> After) : IEvent
{
    public static string Name => "promotions.campaign-changed.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>A voucher was issued to a user; <paramref name="Rank"/> is its place among the eligible, from 1.</summary>
public sealed record VoucherIssued(Guid VoucherId, Guid CampaignId, Guid UserId, string Code, long Rank, Benefit Benefit, DateTimeOffset ExpiresAt) : IEvent
{
    public static string Name => "promotions.voucher-issued.v1";
    string IEvent.AggregateType => "voucher";
    string IEvent.AggregateId => VoucherId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>An event matched a campaign but gave no voucher; <paramref name="Reason"/> says why, <paramref name="Rank"/> is set where the limit was the reason.</summary>
public sealed record VoucherRefused(Guid CampaignId, Guid UserId, string Reason, long? Rank) : IEvent
{
    public static string Name => "promotions.voucher-refused.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A code was redeemed; amounts in minor units of <paramref name="Currency"/>.</summary>
public sealed record CodeRedeemed(
    Guid RedemptionId, Guid UserId, string Code, long Amount, string Currency, string? Product, string? Reference, long Discount, long Total, int RemainingUses) : IEvent
{
    public static string Name => "promotions.code-redeemed.v1";
    string IEvent.AggregateType => "redemption";
    string IEvent.AggregateId => RedemptionId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A redemption was refused; <paramref name="Reason"/> is the error code that the caller saw.</summary>
public sealed record RedemptionRefused(Guid UserId, string Code, long Amount, string Currency, string? Product, string? Reference, string Reason) : IEvent
{
    public static string Name => "promotions.redemption-refused.v1";
    string IEvent.AggregateType => "code";
    string IEvent.AggregateId => Code;
    Guid? IEvent.UserId => UserId;
}

/// <summary>A redemption's use was given back.</summary>
public sealed record RedemptionReleased(Guid RedemptionId, Guid UserId, string Code, int RemainingUses) : IEvent
{
    public static string Name => "promotions.redemption-released.v1";
    string IEvent.AggregateType => "redemption";
    string IEvent.AggregateId => RedemptionId.ToString();
    Guid? IEvent.UserId => UserId;
}
