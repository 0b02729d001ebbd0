using System.Data;
using System.Diagnostics;

namespace Boon.Quests.Progress;

/// <summary>
/// Rebuilds progress and completions from the event store, beside the live ones, and compares the two by checksum as they were in one
/// snapshot; meanwhile everybody goes on. Only if they differ, counting stops for a moment and the live rows are put right.
/// </summary>
internal sealed class ReplayProgress(ModuleDatabase<QuestsDb> module, LogSignals signals)
{
    private const string ProgressColumns = "quest_id, user_id, streak, completions, period, withdrawn, received";
    private const string CompletionColumns = "quest_id, user_id, number, version, source, sequence, completed_at, reward_id";

    /// <summary>
    /// What a completion is, and whether it was claimed: that is in this module's own log. One that was withdrawn before is gone.
    /// </summary>
    private const string RebuiltCompletions = $"""
        select c.quest_id, c.user_id, c.number, r.version, r.source, r.sequence, r.happened_at as completed_at, v.reward_id,
            l.time as claimed_at, w.recorded_at as withdrawn_at
        from completions_rebuilt c
        join quests.received r on r.position = c.position
        left join quests.received w on w.position = c.withdrawn
        join quests.versions v on v.quest_id = r.quest_id and v.version = r.version
        left join (
            select userid, (payload ->> 'questId')::uuid as quest_id, (payload ->> 'number')::int as number, min(time) as time
            from quests.event_log
            where type = 'quests.reward-claimed.v1'
            group by 1, 2, 3) l
        on l.userid = c.user_id and l.quest_id = c.quest_id and l.number = c.number
        where c.withdrawn is null or l.time is not null
        """;

    internal async Task<ReplayReport> RunAsync(ReplayOptions options, IProgress<long> progress, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        var fold = new FoldReceived(connection, progress);
        IReadOnlyList<ReplayPart> parts;
        TimeSpan folded;
        await using (var snapshot = await SnapshotAsync(connection, ct))
        {
            await ReplayTables.ExecuteAsync(connection, ReplayTables.PlansForWholeTables, ct);
            await fold.ReadAsync(ct);
            folded = Stopwatch.GetElapsedTime(started);
            parts = await SumAsync(connection, ct);
            await snapshot.CommitAsync(ct);
        }
        var (mended, proof) = parts.All(part => part.Equal) || options.CheckOnly ? (0, null) : await MendAsync(connection, fold, ct);
        await FoldReceived.DropAsync(connection, ct);
        return new ReplayReport(fold.Events, folded, Stopwatch.GetElapsedTime(started), parts, mended, proof);
    }

    /// <summary>A snapshot between two batches: everything that was counted has committed, nothing is under way.</summary>
    private async Task<NpgsqlTransaction> SnapshotAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var still = new Unit<QuestsDb>(module, signals);
        await still.BeginAsync(ct);
        await RulesLock.ExclusiveAsync(still, QuestsModule.TrackProgressSubscription, ct);
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        await ReplayTables.ExecuteAsync(connection, "select", ct); // takes the snapshot
        return transaction;
    }

    private static async Task<IReadOnlyList<ReplayPart>> SumAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        const string completion = $"{CompletionColumns}, claimed_at is not null, withdrawn_at is not null";
        return [
            await ReplayTables.CompareAsync(connection, "progress", ProgressColumns, "progress_rebuilt", "quests.progress", ct),
            await ReplayTables.CompareAsync(connection, "completions", completion, $"({RebuiltCompletions})", "quests.completions", ct)];
    }

    /// <summary>
    /// Keeps everything still, folds what came since the snapshot, makes the live rows what the rebuilt ones are, and proves it. In the
    /// order in which others take their locks: the rules, the checkpoints of who settles, the completions.
    /// </summary>
    private static async Task<(long Mended, IReadOnlyList<ReplayPart> Proof)> MendAsync(
        NpgsqlConnection connection, FoldReceived fold, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ReplayTables.ExecuteAsync(connection, RulesLock.ExclusiveStatement(QuestsModule.ModuleName), ct);
        await ReplayTables.ExecuteAsync(connection, $"""
            select
            from quests.checkpoints
            where subscription = '{QuestsModule.SettleRewardsSubscription}'
            order by lane, source
            for update
            """, ct);
        await ReplayTables.ExecuteAsync(connection, "lock table quests.completions in share row exclusive mode", ct);
        await ReplayTables.ExecuteAsync(connection, ReplayTables.PlansForWholeTables, ct);
        await fold.ReadAsync(ct);
        var mended = await ReplayTables.ExecuteAsync(connection, $"""
            insert into quests.progress as p ({ProgressColumns})
            select {ProgressColumns}
            from progress_rebuilt r
            where not exists (
                select
                from quests.progress p
                where p.quest_id = r.quest_id and p.user_id = r.user_id
                    and (p.streak, p.completions, p.period, p.withdrawn, p.received) is not distinct
                    from (r.streak, r.completions, r.period, r.withdrawn, r.received))
            on conflict (quest_id, user_id) do update set
                streak = excluded.streak, completions = excluded.completions, period = excluded.period, withdrawn = excluded.withdrawn,
                received = excluded.received
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, """
            delete from quests.progress p
            where not exists (
                select
                from progress_rebuilt r
                where r.quest_id = p.quest_id and r.user_id = p.user_id)
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, $"""
            insert into quests.completions as c ({CompletionColumns}, claimed_at, withdrawn_at)
            select {CompletionColumns}, claimed_at, withdrawn_at
            from ({RebuiltCompletions}) r
            where not exists (
                select
                from quests.completions c
                where c.user_id = r.user_id and c.quest_id = r.quest_id and c.number = r.number
                    and (c.version, c.source, c.sequence, c.completed_at, c.reward_id, c.claimed_at is null, c.withdrawn_at is null)
                        is not distinct from (
                            r.version, r.source, r.sequence, r.completed_at, r.reward_id, r.claimed_at is null, r.withdrawn_at is null))
            order by r.completed_at
            on conflict (user_id, quest_id, number) do update set
                version = excluded.version, source = excluded.source, sequence = excluded.sequence,
                completed_at = excluded.completed_at, reward_id = excluded.reward_id,
                claimed_at = case when excluded.claimed_at is not null then coalesce(c.claimed_at, excluded.claimed_at) end,
                granted_at = case when excluded.claimed_at is not null then c.granted_at end,
                withdrawn_at = case when excluded.withdrawn_at is not null then coalesce(c.withdrawn_at, excluded.withdrawn_at) end
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, $"""
            delete from quests.completions c
            where not exists (
                select
                from ({RebuiltCompletions}) r
                where r.quest_id = c.quest_id and r.user_id = c.user_id and r.number = c.number)
            """, ct);
        await SettleAgainAsync(connection, ct);
        var proof = await SumAsync(connection, ct);
        await transaction.CommitAsync(ct);
        return (mended, proof);
    }

    /// <summary>
    /// What was granted is in others' logs: lets them be read again from the start, which changes nothing that is settled.
    /// </summary>
    private static Task<int> SettleAgainAsync(NpgsqlConnection connection, CancellationToken ct) =>
        ReplayTables.ExecuteAsync(connection, $"""
            update quests.checkpoints
            set sequence = 0
            where subscription = '{QuestsModule.SettleRewardsSubscription}'
            """, ct);
}
