namespace Boon.Platform.Log;

/// <summary>
/// The data of events that other systems reported, which may be personal. When a user's account is erased it becomes an empty object, as if
/// it had been reported without data: in Intake's log, and in each copy of that.
/// </summary>
public static class ReportedData
{
    /// <summary>What data is after it was erased.</summary>
    public const string Nothing = "{}";

    /// <summary>
    /// The statement that erases it in <paramref name="schema"/>, with the users as its parameter. It answers the user of each event that
    /// had any. Their index finds the events; what stands in the condition on the type no index has.
    /// </summary>
    public static string Erase(string schema) => $"""
        update {schema}.event_log
        set payload = '{Nothing}'
        where userid = any ($1) and left(type, {EventTypes.External.Length}) = '{EventTypes.External}' and payload::text <> '{Nothing}'
        returning userid
        """;
}
