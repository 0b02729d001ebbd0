using System.Text.RegularExpressions;

namespace Boon.Promotions.CouponTypes;

/// <summary>How fast the coupons of a type go out, over all processes.</summary>
/// <param name="PerSecond">At most so many are granted in any one second.</param>
/// <param name="Concurrency">At most so many claims are worked on at once.</param>
/// <param name="MaxQueue">At most so many claims wait; beyond that they are refused with <c>queue-full</c>.</param>
/// <param name="MaxWaitSeconds">A claim that waits longer is refused with <c>timed-out</c>.</param>
internal sealed record Pace(
    [Required, Range(1, 1_000)] int? PerSecond, [Required, Range(1, 1_000)] int? Concurrency, [Required, Range(1, 100_000)] int? MaxQueue,
    [Required, Range(1, 3_600)] int? MaxWaitSeconds);

/// <summary>A coupon type: a pool of codes and the rules by which they go out.</summary>
/// <param name="Name">1 to 50 letters, digits, <c>-</c> and <c>_</c>; null is the pool of coupons without a type.</param>
/// <param name="PerUser">1: one for each user; null: as many as a user asks for.</param>
/// <param name="Pace">Null: at once.</param>
/// <example>{"name": "SUMMER", "perUser": 1, "pace": {"perSecond": 10, "concurrency": 10, "maxQueue": 100, "maxWaitSeconds": 60}}</example>
internal sealed record CouponType(string? Name, int? PerUser, Pace? Pace)
{
    /// <summary>How the pool of coupons without a type is stored.</summary>
    internal const string Untyped = "";

    /// <summary>The name of a type as it is stored; null for the pool of coupons without one.</summary>
    internal static string? NameOf(string type) => type is Untyped ? null : type;
}

/// <summary>The rules of coupon types and coupons. Pure.</summary>
internal static partial class CouponRules
{
    internal const int LongestTypeName = 50;

    /// <summary>Checks a type's rules.</summary>
    internal static void Type(Validation validation, string name, int? perUser, Pace? pace)
    {
        validation.Check(TypeName.IsMatch(name), "name", $"must be 1 to {LongestTypeName} letters, digits, - or _");
        validation.Check(perUser is null or 1, "perUser", "must be 1 or null");
        if (pace is null)
            return;
        Within(pace.PerSecond, "pace.perSecond", 1_000);
        Within(pace.Concurrency, "pace.concurrency", 1_000);
        Within(pace.MaxQueue, "pace.maxQueue", 100_000);
        Within(pace.MaxWaitSeconds, "pace.maxWaitSeconds", 3_600);

        void Within(int? value, string field, int most)
        {
            if (validation.Require(value, field))
                validation.Check(value >= 1 && value <= most, field, $"must be 1 to {most}");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,50}\\z", RegexOptions.CultureInvariant)]
    internal static partial Regex TypeName { get; }
}
