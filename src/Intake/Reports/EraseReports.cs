namespace Boon.Intake.Reports;

/// <summary>
/// Erases what was reported about users who erased their accounts: the data of their events, those of before and those that are reported
/// later. <see cref="ReportsErased"/> tells the copies of the log, behind everything that they have to erase.
/// </summary>
internal static class EraseReports
{
    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<IntakeDb> unit, CancellationToken ct)
    {
        var users = events.Where(e => e.Type == UserErased.Name).Select(e => e.UserId!.Value).Distinct().ToArray();
        if (users.Length == 0)
            return BatchEffect.Of(false);
        if (IntakeDefences.ErasedFirst.On)
            await unit.Command("lock table intake.erased_users in exclusive mode").ExecuteAsync(ct);
        await unit.Command("""
            insert into intake.erased_users (user_id)
            select unnest($1)
            on conflict do nothing
            """, users)
            .ExecuteAsync(ct);
        var had = new HashSet<Guid>();
        await unit.Command(ReportedData.Erase("intake"), users).ReadEachAsync(row => had.Add(row.GetGuid(0)), ct);
        foreach (var erased in events.Where(e => e.Type == UserErased.Name && had.Remove(e.UserId!.Value)))
            unit.Append(new ReportsErased(erased.UserId!.Value), erased);
        return BatchEffect.Of(true);
    }

    /// <summary>
    /// Those of these users who are erased. Until this transaction ends nobody else is erased, so what it logs about others is found when
    /// they are.
    /// </summary>
    internal static async Task<HashSet<Guid>> AmongAsync(Unit<IntakeDb> unit, Guid[] users, CancellationToken ct)
    {
        var erased = new HashSet<Guid>();
        if (users.Length == 0)
            return erased;
        await unit.Command("lock table intake.erased_users in row share mode").ExecuteAsync(ct);
        await unit.Command("select user_id from intake.erased_users where user_id = any ($1)", users)
            .ReadEachAsync(row => erased.Add(row.GetGuid(0)), ct);
        return erased;
    }
}
