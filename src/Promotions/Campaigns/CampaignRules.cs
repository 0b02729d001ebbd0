using System.Globalization;
using System.Text.RegularExpressions;

namespace Boon.Promotions.Campaigns;

/// <summary>How an event was decided.</summary>
/// <param name="Issued">True: a voucher; false: refused.</param>
/// <param name="Rank">The place among the eligible, from 1; null when the event was not eligible.</param>
/// <param name="Reason">Why refused: <c>budget-exhausted</c>, <c>already-issued</c>, <c>not-started</c> or <c>paused</c>.</param>
internal readonly record struct Decision(bool Issued, long? Rank, string? Reason);

/// <summary>What decides an event that matched a campaign.</summary>
/// <param name="Paused">The campaign is paused.</param>
/// <param name="StartsAt">From when on it issues; null: from its creation.</param>
/// <param name="Limit">Its vouchers, at most.</param>
/// <param name="PerUser">Those of one user, at most.</param>
/// <param name="Issued">Its vouchers before this event.</param>
/// <param name="Ranked">The eligible events before this one.</param>
/// <param name="Held">Its vouchers that the user has.</param>
/// <param name="At">When the event was recorded.</param>
internal readonly record struct DecisionInput(
    bool Paused, DateTime? StartsAt, long Limit, int PerUser, long Issued, long Ranked, long Held, DateTime At);

/// <summary>The rules of campaigns. Pure: what is in, what is out.</summary>
internal static partial class CampaignRules
{
    internal const int LongestName = 200;
    internal const int LongestDescription = 2_000;
    internal const long LargestLimit = 100_000_000;
    internal const int MostPerUser = 1_000;

    /// <summary>
    /// Members that a campaign tells their place past its limit; after that many it judges nothing until its limit is raised. The trigger
    /// <c>rule_changed</c> of <c>promotions.campaigns</c> has the same number: change both.
    /// </summary>
    internal const int MostTold = 10_000;

    /// <summary>True when a campaign is exhausted and has told enough members so.</summary>
    internal static bool IsSilent(long limit, long issued, long ranked) => issued >= limit && ranked - issued >= MostTold;

    /// <summary>Decides an event that matched a campaign that has not ended.</summary>
    internal static Decision Decide(DecisionInput input)
    {
        if (input.Paused)
            return new(false, null, "paused");
        if (input.At < input.StartsAt)
            return new(false, null, "not-started");
        if (input.Held >= input.PerUser)
            return new(false, null, "already-issued");
        return input.Issued < input.Limit ? new(true, input.Ranked + 1, null) : new(false, input.Ranked + 1, "budget-exhausted");
    }

    /// <summary>Checks an ISO 8601 duration of at most ten years, such as <c>P30D</c> or <c>PT12H</c>.</summary>
    internal static void Duration(Validation validation, string? duration, string field)
    {
        if (!validation.Require(duration, field))
            return;
        var match = duration!.Length <= 64 ? Iso8601.Match(duration) : Match.Empty;
        double Days(string unit, double days) =>
            match.Groups[unit].Success ? double.Parse(match.Groups[unit].Value, CultureInfo.InvariantCulture) * days : 0;
        if (!match.Success || duration.EndsWith('P') || duration.EndsWith('T'))
        {
            validation.Fail(field, "must be an ISO 8601 duration, such as P30D or PT12H");
            return;
        }
        var days = Days("y", 365.25) + Days("mo", 30.44) + Days("w", 7) + Days("d", 1) + Days("h", 1 / 24d) + Days("mi", 1 / 1440d)
            + Days("s", 1 / 86400d);
        validation.Check(days is > 0 and <= 3660, field, "must be longer than zero and at most ten years");
    }

    [GeneratedRegex(
        "^P((?<y>[0-9]+)Y)?((?<mo>[0-9]+)M)?((?<w>[0-9]+)W)?((?<d>[0-9]+)D)?"
            + "(T((?<h>[0-9]+)H)?((?<mi>[0-9]+)M)?((?<s>[0-9]+)S)?)?\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Iso8601 { get; }
}
