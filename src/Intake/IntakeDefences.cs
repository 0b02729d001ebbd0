namespace Boon.Intake;

/// <summary>Switches of this module that take one defence out, as those of the platform: only the test host reaches them.</summary>
internal static class IntakeDefences
{
    /// <summary>A reported event is logged once: its source and id are a unique key. Off: whenever it comes.</summary>
    internal static bool OncePerReport { get; set; } = true;
}
