namespace Boon.Intake.Reports;

/// <summary>An event that another system reported.</summary>
/// <param name="Source">Where it comes from; with <paramref name="Id"/> it is the event's identity.</param>
/// <param name="Id">Its id there.</param>
/// <param name="Type">Its name in the log: <c>external.</c> and the reported type.</param>
/// <param name="Subject">What it is about, if it says that.</param>
/// <param name="UserId">The user whom it concerns, if it says one.</param>
/// <param name="Time">When it happened, if it says that.</param>
/// <param name="TraceParent">The W3C trace context it was caused in, if it says one.</param>
/// <param name="Data">Its data, as JSON text.</param>
internal sealed record ReportedEvent(
    string Source, string Id, string Type, string? Subject, Guid? UserId, DateTimeOffset? Time, string? TraceParent, string Data)
{
    internal const string TypePrefix = "external.";
}
