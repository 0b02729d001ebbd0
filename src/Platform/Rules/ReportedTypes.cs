using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Rules;

/// <summary>
/// The types of events that other systems have reported, found by skipping through the index of the log from one to the next.
/// </summary>
internal static class ReportedTypes
{
    /// <summary>The module that logs them.</summary>
    internal const string Module = "intake";

    /// <summary>Those after a name, in their order, at most so many.</summary>
    internal static async Task<List<string>> ListAsync(LogPlace? log, string after, int limit, CancellationToken ct)
    {
        if (log is null)
            return []; // the processes that read it list them
        try
        {
            return await log.Database.Command($"""
                with recursive seen (type) as (
                    (select l.type collate "C"
                    from {log.Schema}.event_log l
                    where l.type collate "C" >= '{EventTypes.External}' and l.type collate "C" < 'external/' and l.type collate "C" > $1
                    order by l.type collate "C"
                    limit 1)
                    union all
                    select (
                        select l.type collate "C"
                        from {log.Schema}.event_log l
                        where l.type collate "C" > s.type and l.type collate "C" < 'external/'
                        order by l.type collate "C"
                        limit 1)
                    from seen s
                    where s.type is not null
                )
                select type
                from seen
                where type is not null
                limit $2
                """, after, limit)
                .ReadAllAsync(row => row.GetString(0), ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return []; // Intake was never started here
        }
    }

    /// <summary>True when an event of this name, of any version, was reported.</summary>
    internal static async Task<bool> AnyAsync(LogPlace log, string name, CancellationToken ct)
    {
        try
        {
            return await log.Database.Command($"""
                select exists (select from {log.Schema}.event_log l where l.type collate "C" = $1)
                    or exists (
                        select
                        from {log.Schema}.event_log l
                        where l.type collate "C" >= $1 || '.v0' and l.type collate "C" < $1 || '.v:'
                        and substr(l.type, length($1) + 3) ~ '^[0-9]+$')
                """, name)
                .ScalarAsync<bool>(ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return false; // Intake was never started here
        }
    }
}
