namespace Boon.Intake;

/// <summary>The defences of this module.</summary>
internal static class IntakeDefences
{
    /// <summary>A reported event is logged once: its source and id are a unique key. Off: whenever it comes.</summary>
    internal static Defence OncePerReport { get; } = new();

    /// <summary>
    /// A user is noted as erased while no report is being logged: each report is found, or knows. Off: at any moment.
    /// </summary>
    internal static Defence ErasedFirst { get; } = new();
}
