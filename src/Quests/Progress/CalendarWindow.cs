using System.Collections.Concurrent;
using NodaTime;

namespace Boon.Quests.Progress;

/// <summary>
/// Days or weeks of a time zone, as numbers: a day's number is its distance from 0001-01-01 in the proleptic Gregorian calendar, a week's
/// is that of its Monday divided by seven (0001-01-01 was a Monday). The zone is the quest's: where the user travels changes nothing, and a
/// day of 23 or 25 hours is one day.
/// </summary>
internal sealed class CalendarWindow
{
    private static readonly ConcurrentDictionary<(string Unit, string Zone), CalendarWindow> Known = new();

    private readonly DateTimeZone zone;
    private readonly bool weeks;

    private CalendarWindow(string unit, string timeZone)
    {
        weeks = unit == "week";
        zone = DateTimeZoneProviders.Tzdb[timeZone];
    }

    /// <summary>The window of a quest; null when it has none.</summary>
    internal static CalendarWindow? Of(string? unit, string? timeZone) =>
        unit is null ? null : Known.GetOrAdd((unit, timeZone!), key => new CalendarWindow(key.Unit, key.Zone));

    /// <summary>The period of a moment (UTC).</summary>
    internal int PeriodOf(DateTime moment)
    {
        var day = Instant.FromDateTimeUtc(moment).InZone(zone).Date.ToDateOnly().DayNumber;
        return weeks ? day / 7 : day;
    }

    /// <summary>
    /// True when no period lies between the two: they are the same or neighbours, or the day between them was skipped by the zone (as Samoa
    /// did in 2011).
    /// </summary>
    internal bool Follows(int last, int period) =>
        period - last <= 1 || (!weeks && period - last == 2 && !Existed(DateOnly.FromDayNumber(last + 1)));

    private bool Existed(DateOnly day)
    {
        var date = LocalDate.FromDateOnly(day);
        return zone.AtLeniently(date.AtMidnight()).Date == date;
    }
}
