namespace Boon.Platform.Rules;

/// <summary>What events can trigger in this host: a word for its rules, and the modules whose events they take.</summary>
public sealed record TriggerUse(string Rules, IReadOnlyList<string> Sources);
