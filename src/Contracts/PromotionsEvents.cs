using System.ComponentModel.DataAnnotations;

namespace Boon.Contracts;

/// <summary>What a voucher or coupon takes off.</summary>
/// <param name="Kind"><c>percent</c> of an amount, or a <c>fixed</c> amount.</param>
/// <param name="Value">1 to 100 percent, or minor units of the currency.</param>
/// <param name="Currency">ISO 4217; required for a fixed amount, <c>maxDiscount</c> and <c>minSpend</c>.</param>
/// <param name="MaxDiscount">Of a percentage: it takes off no more than this, in minor units.</param>
/// <param name="MinSpend">It takes nothing off a smaller amount, in minor units.</param>
/// <param name="Products">What it is for; none: everything.</param>
public sealed record Benefit(
    [AllowedValues("percent", "fixed")] string Kind,
    [Range(1L, Money.LargestAmount)] long Value,
    [RegularExpression(Money.CurrencyPattern)] string? Currency = null,
    [Range(1L, Money.LargestAmount)] long? MaxDiscount = null,
    [Range(1L, Money.LargestAmount)] long? MinSpend = null,
    [Length(1, 100)] string[]? Products = null);

/// <summary>A campaign was created.</summary>
public sealed record CampaignCreated(Guid CampaignId, string CampaignName, string Trigger, long Limit, Benefit Benefit, string State)
    : IEvent
{
    public static string Name => "promotions.campaign-created.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>
/// A campaign's rules changed; the change applies to exactly the events after <paramref name="After"/>, a log sequence for each source.
/// </summary>
public sealed record CampaignChanged(Guid CampaignId, string State, long Limit, DateTimeOffset? EndsAt, Dictionary<string, long> After)
    : IEvent
{
    public static string Name => "promotions.campaign-changed.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>A voucher was issued to a user; <paramref name="Rank"/> is its place among the eligible, from 1.</summary>
public sealed record VoucherIssued(
    Guid VoucherId, Guid CampaignId, Guid UserId, string Code, long Rank, Benefit Benefit, DateTimeOffset ExpiresAt) : IEvent
{
    public static string Name => "promotions.voucher-issued.v1";
    string IEvent.AggregateType => "voucher";
    string IEvent.AggregateId => VoucherId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// An event matched a campaign but gave no voucher; <paramref name="Reason"/> says why, <paramref name="Rank"/> is set where the limit was
/// the reason.
/// </summary>
public sealed record VoucherRefused(Guid CampaignId, Guid UserId, string Reason, long? Rank) : IEvent, IRefusal
{
    public static string Name => "promotions.voucher-refused.v1";
    string IEvent.AggregateType => "campaign";
    string IEvent.AggregateId => CampaignId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A code was redeemed; amounts in minor units of <paramref name="Currency"/>.</summary>
public sealed record CodeRedeemed(
    Guid RedemptionId, Guid UserId, string Code, long Amount, string Currency, string? Product, string? Reference, long Discount,
    long Total, int RemainingUses) : IEvent
{
    public static string Name => "promotions.code-redeemed.v1";
    string IEvent.AggregateType => "redemption";
    string IEvent.AggregateId => RedemptionId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A redemption was refused; <paramref name="Reason"/> is the error code that the caller saw.</summary>
public sealed record RedemptionRefused(
    Guid UserId, string Code, long Amount, string Currency, string? Product, string? Reference, string Reason) : IEvent, IRefusal
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

/// <summary>A coupon type was created or its rules were set: <paramref name="PerUser"/> 1 or none, and a pace or none.</summary>
public sealed record CouponTypeSet(string Type, int? PerUser, int? PerSecond, int? Concurrency, int? MaxQueue, int? MaxWaitSeconds) : IEvent
{
    public static string Name => "promotions.coupon-type-set.v1";
    string IEvent.AggregateType => "coupon-type";
    string IEvent.AggregateId => Type;
    Guid? IEvent.UserId => null;
}

/// <summary>
/// Coupons of one type (none: without a type) were uploaded by <paramref name="By"/>; an upload of several types logs one of these for
/// each.
/// </summary>
public sealed record CouponsUploaded(Guid UploadId, string? Type, int Count, Guid By) : IEvent
{
    public static string Name => "promotions.coupons-uploaded.v1";
    string IEvent.AggregateType => "upload";
    string IEvent.AggregateId => UploadId.ToString();
    Guid? IEvent.UserId => null;
}

/// <summary>A coupon was given to a user.</summary>
public sealed record CouponClaimed(Guid ClaimId, Guid UserId, string? Type, string Code, DateTimeOffset ExpiresAt) : IEvent
{
    public static string Name => "promotions.coupon-claimed.v1";
    string IEvent.AggregateType => "claim";
    string IEvent.AggregateId => ClaimId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>A claim of a paced type waits, at <paramref name="Position"/> from 1.</summary>
public sealed record ClaimQueued(Guid ClaimId, Guid UserId, string? Type, int Position) : IEvent
{
    public static string Name => "promotions.claim-queued.v1";
    string IEvent.AggregateType => "claim";
    string IEvent.AggregateId => ClaimId.ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// A claim was refused: <c>sold-out</c>, <c>queue-full</c> or <c>timed-out</c>. There is a <paramref name="ClaimId"/> if it had been
/// queued.
/// </summary>
public sealed record ClaimRefused(Guid? ClaimId, Guid UserId, string? Type, string Reason) : IEvent, IRefusal
{
    public static string Name => "promotions.claim-refused.v1";
    string IEvent.AggregateType => "claim";
    string IEvent.AggregateId => (ClaimId ?? UserId).ToString();
    Guid? IEvent.UserId => UserId;
}

/// <summary>Coupons of one type (none: without a type) expired before anybody claimed them and were taken out of the pool.</summary>
public sealed record CouponsPurged(string? Type, long Count) : IEvent
{
    public static string Name => "promotions.coupons-purged.v1";
    string IEvent.AggregateType => "coupon-type";
    string IEvent.AggregateId => Type ?? "";
    Guid? IEvent.UserId => null;
}

/// <summary>
/// A quest's reward that is coupons was granted in full: <paramref name="Quantity"/> coupons of <paramref name="Type"/>, each logged as
/// claimed too.
/// </summary>
public sealed record RewardGranted(Guid QuestId, Guid UserId, int Number, string Type, int Quantity) : IEvent
{
    public static string Name => "promotions.reward-granted.v1";
    string IEvent.AggregateType => "coupon-type";
    string IEvent.AggregateId => Type;
    Guid? IEvent.UserId => UserId;
}

/// <summary>
/// A quest's reward that is coupons waits: <c>sold-out</c> or <c>type-unknown</c>. It is granted as soon as there are coupons.
/// </summary>
public sealed record RewardDelayed(Guid QuestId, Guid UserId, int Number, string Type, string Reason) : IEvent
{
    public static string Name => "promotions.reward-delayed.v1";
    string IEvent.AggregateType => "coupon-type";
    string IEvent.AggregateId => Type;
    Guid? IEvent.UserId => UserId;
}
