using System.Text.Json;
using Boon.Contracts;

namespace Boon.Support;

/// <summary>
/// What tests read of answers, by name and type. A member that is always there must be there: reading an answer without it throws. Written
/// by hand and not taken from the host, so that a member that gets another name there is missed here.
/// </summary>
public static class Views
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    public static T Read<T>(JsonElement body) => body.Deserialize<T>(Strict)!;
}

/// <summary>Whatever has an id.</summary>
public sealed record Thing(Guid Id);

public sealed record Reward(Guid Id, string Name, string Item, int Quantity);

public sealed record Quest(Guid Id, string Name, Reward Reward, string Trigger, int Streak, int Duplication, bool AutoClaim, string State);

public sealed record Progress(Guid QuestId, int Streak, int StreakOf, int Completions, int CompletionsOf, int Claimable)
{
    public int[] Counts => [Streak, StreakOf, Completions, CompletionsOf, Claimable];
}

public sealed record Received(
    Guid QuestId, string Outcome, bool Reversed, int Streak, int Completions, string Type, Guid EventId, string Source, long EventSequence);

public sealed record Completion(Guid QuestId, Guid UserId, int Number, string State, Reward Reward, string? PendingReason = null);

public sealed record QuestSteps(long Users, IReadOnlyList<Step> Steps);

public sealed record Step(int Completions, int Streak, long Users);

public sealed record WalletBalances(Balances Balances);

public sealed record Balances(long Gold, long Diamond);

public sealed record WalletEntry(Guid Id, string Item, long Amount, string Reason, Guid QuestId, int Number, Guid EventId);

public sealed record Campaign(Guid Id, string Name, string State, long Issued, long Remaining, long Redeemed);

/// <summary>What became of an event that matched a campaign. A refusal has no rank, and its reason.</summary>
public sealed record Decision(Guid UserId, string Outcome, long? Rank, string? Reason, long EventSequence, string? VoucherCode = null);

public sealed record Voucher(string Code, Guid CampaignId, Benefit Benefit, string State, int Uses, int MaxUses, DateTimeOffset ExpiresAt);

public sealed record CouponType(
    string? Name, int? PerUser, Pace? Pace, long Uploaded, long Available, long Claimed, long Redeemed, long Purged);

public sealed record Pace(int PerSecond, int Concurrency, int MaxQueue, int MaxWaitSeconds);

public sealed record Coupon(string Code, Benefit Discount, int MaxUses, DateTimeOffset ExpiresAt, string? Type = null);

/// <summary>A coupon of a user.</summary>
public sealed record HeldCoupon(string Code, Benefit Discount, string State, int Uses, int MaxUses, Guid ClaimId, string? Type = null);

public sealed record Claim(Guid Id, string State, string? Type = null, int? Position = null, Coupon? Coupon = null, string? Reason = null);

public sealed record Order(
    Guid Id, Guid UserId, string Product, int Quantity, Money Total, string State, string? Code = null, string? WaitingFor = null,
    Money? Discount = null, Money? ToPay = null, string? Reason = null);

/// <summary>What is wrong with a row of an upload; no field: with the row.</summary>
public sealed record RowFault(int Row, string Reason, string? Field = null);

/// <summary>An event of a log, as CloudEvents name its members.</summary>
public sealed record Event(
    Guid Id, string Source, string Type, string Subject, string Time, long Sequence, DateTimeOffset RecordedTime, JsonElement Data,
    Guid? UserId = null, Guid? CausationId = null, string? TraceParent = null, string? By = null)
{
    /// <summary>A member of its data.</summary>
    public JsonElement this[string member] => Data.GetProperty(member);
}

public sealed record DeadLetter(
    Guid Id, string Module, string Subscription, long Sequence, string EventType, string Error, DateTimeOffset ParkedAt,
    DateTimeOffset? RedrivenAt = null, string? RedrivenBy = null);

public sealed record EventTypeView(
    string Type, string Module, string[] Triggers, IReadOnlyList<EventMember> Members, JsonElement? Sample = null);

public sealed record EventMember(string Name, string Type, bool Required);
