using System.Text.Json;
using Boon.Platform.Input;
using Boon.Platform.Log;

namespace Boon.Platform.Rules;

/// <summary>What can trigger the rules of a module: the events of every other module, and those that other systems report.</summary>
public sealed class RuleTriggers(KnownModules modules, EventTypes types, LogPlaces places, LogBarrier barrier)
{
    private const int MostNames = 3;

    /// <summary>
    /// Checks a <c>trigger</c> and its <c>when</c>: an event that can fire a rule of module <paramref name="own"/>, and an object of
    /// scalars, in text that the database can hold.
    /// </summary>
    public void Check(Validation validation, string? trigger, JsonElement? when, string own)
    {
        CheckName(validation, "trigger", trigger, own);
        EventTriggers.CheckWhen(validation, when);
        if (trigger is not null && when is { ValueKind: JsonValueKind.Object } members)
            CheckNotPersonal(validation, trigger, members);
    }

    /// <summary>
    /// Checks a <c>reversedBy</c>: an event that could be a trigger, is another one than <paramref name="trigger"/>, and is about the same
    /// kind of thing.
    /// </summary>
    public void CheckReversal(Validation validation, string? reversedBy, string? trigger, string own)
    {
        const string field = "reversedBy";
        if (reversedBy is null || !CheckName(validation, field, reversedBy, own) || trigger is null)
            return;
        validation.Check(
            EventNames.WithoutVersion(reversedBy) != EventNames.WithoutVersion(trigger), field, "must be another event than the trigger");
        var (of, by) = (Named(trigger), Named(reversedBy));
        if (of.Count > 0 && by.Count > 0)
            validation.Check(
                of.Exists(one => by.Exists(other => other.About == one.About)), field,
                $"is about another kind of thing ({by[0].About}) than the trigger ({of[0].About}): "
                    + "they are matched by what they are about");
    }

    /// <summary>False: the name cannot be a trigger, and <paramref name="field"/> says why.</summary>
    private bool CheckName(Validation validation, string field, string? name, string own) =>
        validation.Text(name, field, 3, EventTriggers.LongestName)
        && validation.Check(EventTriggers.IsName(name), field, "must be an event's name, such as identity.user-signed-in")
        && CheckFires(validation, field, name, own);

    /// <summary>The settled end of the log of each module whose events trigger rules of module <paramref name="own"/>.</summary>
    public Task<IReadOnlyDictionary<string, long>> SettledHeadsAsync(string own, CancellationToken ct) =>
        barrier.SettledHeadsAsync(own, modules.Except(own), ct);

    /// <summary>
    /// What an operator should know of a trigger that a rule of module <paramref name="own"/> was given: nothing of its name was
    /// reported so far, or its events have no such member; nor of the name of what reverses it. Null: nothing.
    /// </summary>
    public async Task<string[]?> WarningsAsync(string trigger, string? when, string? reversedBy, string own, CancellationToken ct)
    {
        var warnings = new List<string>();
        foreach (var name in (string?[])[trigger, reversedBy])
            if (name?.StartsWith(EventTypes.External, StringComparison.Ordinal) == true
                && !await ReportedTypes.AnyAsync(places.Of(own, ReportedTypes.Module), name, ct))
                warnings.Add($"No {name} was reported so far.");
        warnings.AddRange(UnknownMembers(trigger, when)
            .Select(member => $"when names {member}, which {trigger} does not have: it never matches."));
        return warnings.Count == 0 ? null : [.. warnings];
    }

    /// <summary>
    /// A rule whose trigger no event has would wait for ever: it is refused, with the names that are near. What other systems report is
    /// theirs to name.
    /// </summary>
    private bool CheckFires(Validation validation, string field, string name, string own)
    {
        if (name.StartsWith(EventTypes.External, StringComparison.Ordinal)
            || (EventTriggers.TestPrefix is { } test && name.StartsWith(test, StringComparison.Ordinal)))
            return true;
        if (!validation.Check(
            !name.StartsWith(own + ".", StringComparison.Ordinal), field, $"must not be an event of {own}: they would trigger each other"))
            return false;
        var meant = Named(name);
        return meant.Count == 0
            ? validation.Check(false, field, $"is no event's name{DidYouMean(name, own)}; GET /v1/event-types lists all, "
                + $"and names of other systems' events begin with {EventTypes.External}")
            : validation.Check(meant.Exists(type => type.HasUser), field, "is an event of no user: nobody could get anything");
    }

    /// <summary>
    /// Personal data never leaves its module, so a rule elsewhere sees none of it: what it means must not depend on that.
    /// </summary>
    private void CheckNotPersonal(Validation validation, string trigger, JsonElement when)
    {
        var personal = Named(trigger).SelectMany(type => types.Personal.GetValueOrDefault(type.Name) ?? []).ToHashSet();
        foreach (var member in when.EnumerateObject().Where(member => personal.Contains(member.Name)))
            validation.Fail("when", $"must not name {member.Name}: it is personal data, which no rule may look at");
    }

    /// <summary>The members of a rule's <c>when</c> that no event of its trigger has.</summary>
    private List<string> UnknownMembers(string trigger, string? when)
    {
        var meant = Named(trigger);
        if (when is null || meant.Count == 0)
            return [];
        return [.. JsonSerializer.Deserialize<JsonElement>(when).EnumerateObject().Select(member => member.Name)
            .Where(name => !meant.Exists(type => type.Members.Any(member => member.Name == name)))];
    }

    private List<EventType> Named(string trigger) => [.. types.All.Where(type => type.Name == trigger || type.Kind == trigger)];

    private string DidYouMean(string trigger, string own)
    {
        var versioned = EventNames.WithoutVersion(trigger) != trigger;
        var near = types.All.Where(type => type.HasUser && type.Module != own)
            .Select(type => versioned ? type.Name : type.Kind).Distinct(StringComparer.Ordinal)
            .Select(name => (Name: name, Distance: EventTriggers.NameDistance(trigger, name)))
            .Where(one => one.Distance <= Math.Max(2, trigger.Length / 4))
            .OrderBy(one => one.Distance).ThenBy(one => one.Name, StringComparer.Ordinal).Take(MostNames).ToList();
        return near.Count == 0 ? ""
            : $"; did you mean {string.Join(" or ", near.Where(one => one.Distance <= near[0].Distance + 1).Select(one => one.Name))}?";
    }
}
