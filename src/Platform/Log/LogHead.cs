namespace Boon.Platform.Log;

/// <summary>
/// The one row of <c>log_head</c>, read from its newest version back. While somebody holds an old snapshot (a dump, say), no version of
/// a row that is updated all the time can be removed, and a plain look walks over all of them. The newest one stands at the end of the
/// table, and so at the end of the index.
/// </summary>
public static class LogHead
{
    /// <summary>The row, to stand in a <c>from</c>; <c>place</c> is where it lies, as long as it is locked.</summary>
    /// <param name="schema">The module's schema.</param>
    /// <param name="locking">Such as <c>for update</c>.</param>
    public static string Of(string schema, string locking = "") => $"""
        (
            select head.ctid as place, head.*
            from {schema}.log_head head
            order by head.only_row desc
            limit 1
            {locking}
        )
        """;
}
