namespace Boon.Platform.Rules;

/// <summary>
/// A module that has rules. They are triggered by the events of every other module: by its own they could trigger each other without end.
/// </summary>
/// <param name="Rules">A word for its rules, such as <c>campaigns</c>.</param>
/// <param name="Module">The module.</param>
public sealed record TriggerUse(string Rules, string Module);
