using System.Data;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Boon.Quests.Progress;

/// <summary>
/// Rebuilds progress and completions from the event store, beside the live ones, and compares the two by checksum as they were in one snapshot; meanwhile everybody
/// goes on. Only if they differ, counting stops for a moment and the live rows are put right.
/// </summary>
internal sealed class ReplayProgress(ModuleDatabase<QuestsDb> module, LogSignals signals)
{
    /// <summary>Rows between two reports of progress.</summary>
    private const int Report = 50_000;

    private const string ProgressColumns = "quest_id, user_id, streak, completions, period, received";
    private const string CompletionColumns = "quest_id, user_id, number, version, source, sequence, completed_at, reward_id";

    /// <summary>What a completion is, and whether it was claimed: that is in this module's own log.</summary>
    private const string RebuiltCompletions = $"""
        select c.quest_id, c.user_id, c.number, r.version, r.source, r.sequence, r.happened_at as completed_at, v.reward_id, l.time as claimed_at
        from completions_rebuilt c join quests.received r on r.position = c.position join quests.versions v on v.quest_id = r.quest_id and v.version = r.version
        left join (
            select userid, (payload ->> 'questId')::uuid as quest_id, (payload ->> 'number')::int as number, min(time) as time
            from quests.event_log where type = 'quests.reward-claimed.v1' group by 1, 2, 3) l on l.userid = c.user_id and l.quest_id = c.quest_id and l.number = c.number
        """;

    internal async Task<ReplayReport> RunAsync(ReplayOptions options, IProgress<long> progress, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await using var connection = await module.Database.Source.OpenConnectionAsync(ct);
        var fold = new Fold(progress);
        IReadOnlyList<ReplayPart> parts;
        TimeSpan folded;
        await using (var snapshot = await SnapshotAsync(connection, ct))
        {
            await fold.ReadAsync(connection, ct);
            folded = Stopwatch.GetElapsedTime(started);
            await WriteBesideAsync(connection, fold, ct);
            parts = await SumAsync(connection, ct);
            await snapshot.CommitAsync(ct);
        }
        var (mended, proof) = parts.All(part => part.Equal) || options.CheckOnly ? (0, null) : await MendAsync(connection, fold, ct);
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

    /// <summary>Writes what was folded into tables beside the live ones.</summary>
    private static async Task WriteBesideAsync(NpgsqlConnection connection, Fold fold, CancellationToken ct)
    {
        await ReplayTables.ExecuteAsync(connection, ReplayTables.PlansForWholeTables, ct);
        await ReplayTables.ExecuteAsync(connection, """
            create temp table progress_rebuilt (like quests.progress) on commit drop;
            create temp table completions_rebuilt (quest_id uuid, user_id uuid, number int, position bigint) on commit drop
            """, ct);
        await fold.WriteAsync(connection, ct);
    }

    private static async Task<IReadOnlyList<ReplayPart>> SumAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        const string completion = $"{CompletionColumns}, claimed_at is not null";
        return [
            await ReplayTables.CompareAsync(connection, "progress", ProgressColumns, "progress_rebuilt", "quests.progress", ct),
            await ReplayTables.CompareAsync(connection, "completions", completion, $"({RebuiltCompletions})", "quests.completions", ct)];
    }

    /// <summary>
    /// Keeps everything still, folds what came since the snapshot, makes the live rows what the rebuilt ones are, and proves it. In the order in which others take
    /// their locks: the rules, the checkpoints of who settles, the completions.
    /// </summary>
    private static async Task<(long Mended, IReadOnlyList<ReplayPart> Proof)> MendAsync(NpgsqlConnection connection, Fold fold, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ReplayTables.ExecuteAsync(connection, RulesLock.ExclusiveStatement(QuestsModule.ModuleName), ct);
        await ReplayTables.ExecuteAsync(connection, $"select from quests.checkpoints where subscription = '{QuestsModule.SettleRewardsSubscription}' order by lane, source for update", ct);
        await ReplayTables.ExecuteAsync(connection, "lock table quests.completions in share row exclusive mode", ct);
        await fold.ReadAsync(connection, ct);
        await WriteBesideAsync(connection, fold, ct);
        var mended = await ReplayTables.ExecuteAsync(connection, $"""
            insert into quests.progress as p ({ProgressColumns}) select {ProgressColumns} from progress_rebuilt r
            where not exists (
                select from quests.progress p where p.quest_id = r.quest_id and p.user_id = r.user_id
                    and (p.streak, p.completions, p.period, p.received) is not distinct from (r.streak, r.completions, r.period, r.received))
            on conflict (quest_id, user_id) do update set streak = excluded.streak, completions = excluded.completions, period = excluded.period, received = excluded.received
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, """
            delete from quests.progress p where not exists (select from progress_rebuilt r where r.quest_id = p.quest_id and r.user_id = p.user_id)
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, $"""
            insert into quests.completions as c ({CompletionColumns}, claimed_at) select {CompletionColumns}, claimed_at from ({RebuiltCompletions}) r
            where not exists (
                select from quests.completions c where c.user_id = r.user_id and c.quest_id = r.quest_id and c.number = r.number
                    and (c.version, c.source, c.sequence, c.completed_at, c.reward_id, c.claimed_at is null)
                        is not distinct from (r.version, r.source, r.sequence, r.completed_at, r.reward_id, r.claimed_at is null))
            order by r.completed_at
            on conflict (user_id, quest_id, number) do update set version = excluded.version, source = excluded.source, sequence = excluded.sequence,
                completed_at = excluded.completed_at, reward_id = excluded.reward_id,
                claimed_at = case when excluded.claimed_at is not null then coalesce(c.claimed_at, excluded.claimed_at) end,
                granted_at = case when excluded.claimed_at is not null then c.granted_at end
            """, ct);
        mended += await ReplayTables.ExecuteAsync(connection, """
            delete from quests.completions c where not exists (
                select from completions_rebuilt r where r.quest_id = c.quest_id and r.user_id = c.user_id and r.number = c.number)
            """, ct);
        // What was granted is in others' logs: read them again from the start, which changes nothing that is settled.
        await ReplayTables.ExecuteAsync(connection, $"update quests.checkpoints set sequence = 0 where subscription = '{QuestsModule.SettleRewardsSubscription}'", ct);
        var proof = await SumAsync(connection, ct);
        await transaction.CommitAsync(ct);
        return (mended, proof);
    }

    /// <summary>The projection in memory: about 100 bytes for each user of each quest, and for each completion.</summary>
    private sealed class Fold(IProgress<long> progress)
    {
        [StructLayout(LayoutKind.Auto)]
        private struct Row
        {
            internal QuestState State;
            internal long Received;
        }

        private readonly Dictionary<(Guid QuestId, int Version), QuestRules> rules = [];
        private readonly Dictionary<(Guid QuestId, Guid UserId), Row> rows = [];
        private readonly List<(Guid QuestId, Guid UserId, int Number, long Position)> completions = [];
        private long last;

        internal long Events { get; private set; }

        private async Task LoadRulesAsync(NpgsqlConnection connection, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand("""
                select v.quest_id, v.version, v.state, v.streak, v.duplication, q.window_unit, q.time_zone from quests.versions v join quests.quests q on q.id = v.quest_id
                """, connection);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                rules[(reader.GetGuid(0), reader.GetInt32(1))] = QuestRules.Of(
                    reader.GetGuid(0), reader.GetInt32(1), reader.GetString(2), reader.GetInt32(3), reader.GetInt32(4),
                    reader.IsDBNull(5) ? null : reader.GetString(5), reader.IsDBNull(6) ? null : reader.GetString(6));
        }

        /// <summary>Reads and folds every event after those that were folded. By the primary key, so that rows come at once, however many there are.</summary>
        internal async Task ReadAsync(NpgsqlConnection connection, CancellationToken ct)
        {
            await LoadRulesAsync(connection, ct);
            await using var export = await connection.BeginBinaryExportAsync(
                $"copy (select position, quest_id, version, user_id, period from quests.received where position > {last} order by position) to stdout (format binary)", ct);
            while (await export.StartRowAsync(ct) > 0)
            {
                last = await export.ReadAsync<long>(ct);
                var questId = await export.ReadAsync<Guid>(ct);
                var version = await export.ReadAsync<int>(ct);
                var userId = await export.ReadAsync<Guid>(ct);
                int? period = null;
                if (export.IsNull)
                    await export.SkipAsync(ct);
                else
                    period = await export.ReadAsync<int>(ct);
                Apply(questId, version, userId, period);
                if (++Events % Report == 0)
                    progress.Report(Events);
            }
        }

        private void Apply(Guid questId, int version, Guid userId, int? period)
        {
            ref var row = ref CollectionsMarshal.GetValueRefOrAddDefault(rows, (questId, userId), out _);
            (row.State, var outcome) = QuestProgress.Apply(row.State, rules[(questId, version)], period);
            row.Received++;
            if (outcome == Outcome.Completed)
                completions.Add((questId, userId, row.State.Completions, last));
        }

        /// <summary>Writes the projection into the temporary tables.</summary>
        internal async Task WriteAsync(NpgsqlConnection connection, CancellationToken ct)
        {
            await using (var copy = await connection.BeginBinaryImportAsync($"copy progress_rebuilt ({ProgressColumns}) from stdin (format binary)", ct))
            {
                foreach (var ((questId, userId), row) in rows)
                {
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync(questId, ct);
                    await copy.WriteAsync(userId, ct);
                    await copy.WriteAsync(row.State.Streak, ct);
                    await copy.WriteAsync(row.State.Completions, ct);
                    await copy.WriteAsync(row.State.Period, ct);
                    await copy.WriteAsync(row.Received, ct);
                }
                await copy.CompleteAsync(ct);
            }
            await using (var copy = await connection.BeginBinaryImportAsync("copy completions_rebuilt (quest_id, user_id, number, position) from stdin (format binary)", ct))
            {
                foreach (var (questId, userId, number, position) in completions)
                {
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync(questId, ct);
                    await copy.WriteAsync(userId, ct);
                    await copy.WriteAsync(number, ct);
                    await copy.WriteAsync(position, ct);
                }
                await copy.CompleteAsync(ct);
            }
            await ReplayTables.ExecuteAsync(connection, "analyze progress_rebuilt; analyze completions_rebuilt", ct);
        }
    }
}
