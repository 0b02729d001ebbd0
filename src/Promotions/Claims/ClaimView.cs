using System.Text.Json.Serialization;
using Boon.Promotions.Codes;
using Boon.Promotions.CouponTypes;
using Boon.Promotions.Pool;

namespace Boon.Promotions.Claims;

/// <summary>A coupon, as its holder sees it.</summary>
/// <param name="Code">What to redeem.</param>
/// <param name="Type">Its type; absent for a coupon without one.</param>
/// <param name="Discount">What it takes off.</param>
/// <param name="MaxUses">How often it can be redeemed.</param>
/// <param name="ExpiresAt">From here on it is refused.</param>
internal sealed record CouponView(string Code, string? Type, Benefit Discount, int MaxUses, DateTimeOffset ExpiresAt);

/// <summary>A claim.</summary>
/// <param name="Id">To ask for it by.</param>
/// <param name="State"><c>queued</c>, <c>granted</c> or <c>refused</c>.</param>
/// <param name="Type">The coupon type; absent for a coupon without one.</param>
/// <param name="Position">Of a queued claim: its place, from 1; 0 while it is worked on.</param>
/// <param name="EstimatedWaitSeconds">Of a queued claim: how long until it is granted, as things stand.</param>
/// <param name="Coupon">Of a granted claim.</param>
/// <param name="Reason">Of a refused claim: <c>timed-out</c> or <c>sold-out</c>.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "state": "granted", "type": "SUMMER", "coupon": {"code": "SUMMER-0001", "type":
/// "SUMMER", "discount": {"kind": "percent", "value": 10}, "maxUses": 1, "expiresAt": "2026-05-31T09:30:00Z"}}
/// </example>
/// <example status="202">
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "state": "queued", "type": "SUMMER", "position": 3, "estimatedWaitSeconds": 1}
/// </example>
internal sealed record ClaimView(
    Guid Id, [AllowedValues("queued", "granted", "refused")] string State, string? Type, int? Position, int? EstimatedWaitSeconds,
    CouponView? Coupon, string? Reason)
{
    /// <summary>A queued claim is to be asked for after 1, 2, 3 and 4 seconds: ten in all. This is how long it has waited.</summary>
    [JsonIgnore]
    internal TimeSpan Waited { get; init; }

    /// <summary>Whose it is.</summary>
    [JsonIgnore]
    internal Guid UserId { get; init; }

    /// <summary>What <see cref="Read"/> reads, from <see cref="Tables"/>.</summary>
    internal const string Columns = """
        k.id, k.type, k.user_id, k.reason, coalesce(c.shown, c.code), c.benefit, c.max_uses, c.expires_at, t.per_second,
        case when k.state = 'queued' and k.created_at <= clock_timestamp() - make_interval(secs => t.max_wait_seconds) then 'timed-out'
        else k.state end,
        case when k.state = 'queued' then (
            k.ticket + 1 - (select w.ticket from promotions.claims w where w.type = k.type and w.state = 'queued' order by w.ticket limit 1)
        )::int end,
        greatest(extract(epoch from clock_timestamp() - k.created_at), 0)::float8
        """;

    internal const string Tables = """
        promotions.claims k
        join promotions.coupon_types t on t.name = k.type
        left join promotions.codes c on c.id = k.code_id
        """;

    /// <summary>Reads <see cref="Columns"/> from a column on.</summary>
    internal static ClaimView Read(NpgsqlDataReader reader, int at)
    {
        var type = CouponType.NameOf(reader.GetString(at + 1));
        var reason = reader.GetNullable<string>(at + 3);
        var coupon = reader.GetNullable<string>(at + 4) is { } code
            ? new CouponView(code, type, Benefits.Parse(reader.GetFieldValue<byte[]>(at + 5)), reader.GetInt32(at + 6),
                reader.GetDateTime(at + 7))
            : null;
        var (perSecond, state) = (reader.GetNullable<int>(at + 8), reader.GetString(at + 9));
        var waiting = state is "queued" or "working";
        int? position = waiting ? reader.GetNullable<int>(at + 10) ?? 0 : null;
        // A claim past its time is refused from that moment on, whether the pacer has come by to store it or not.
        var late = state == "timed-out";
        return new ClaimView(
            reader.GetGuid(at), waiting ? "queued" : late ? "refused" : state, type, position,
            position is { } place ? Wait(place, perSecond) : null, coupon, late ? state : reason)
        {
            Waited = TimeSpan.FromSeconds(reader.GetDouble(at + 11)),
            UserId = reader.GetGuid(at + 2),
        };
    }

    internal static ClaimView Granted(Guid id, string type, PooledCoupon coupon) =>
        new(id, "granted", CouponType.NameOf(type), null, null,
            new CouponView(coupon.Code, CouponType.NameOf(type), coupon.Benefit, coupon.MaxUses, coupon.ExpiresAt), null);

    internal static ClaimView Queued(Guid id, string type, int position, Pace pace) =>
        new(id, "queued", CouponType.NameOf(type), position, Wait(position, pace.PerSecond), null, null);

    /// <summary>Seconds until everybody before this place is granted, at the type's pace.</summary>
    private static int Wait(int position, int? perSecond) => perSecond is { } pace && position > 0 ? (position - 1) / pace : 0;
}
