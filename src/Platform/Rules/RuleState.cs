using Boon.Platform.Input;

namespace Boon.Platform.Rules;

/// <summary>The states of a campaign and of a quest.</summary>
public static class RuleState
{
    /// <summary>It is not shown to members and judges nothing yet.</summary>
    public const string Draft = "draft";

    /// <summary>It judges events.</summary>
    public const string Active = "active";

    /// <summary>It judges no events for now.</summary>
    public const string Paused = "paused";

    /// <summary>It has ended for good.</summary>
    public const string Ended = "ended";

    /// <summary>Checks the state that a new one is to have.</summary>
    public static void CheckNew(Validation validation, string? state) =>
        validation.Check(state is null or Active or Draft, "state", "must be active or draft");

    /// <summary>Checks the state that one is to get.</summary>
    public static void CheckChange(Validation validation, string? state) =>
        validation.Check(state is null or Draft or Active or Paused or Ended, "state", "must be draft, active, paused or ended");
}
