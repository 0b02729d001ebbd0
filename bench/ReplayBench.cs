using Boon.Contracts;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Replay;
using Boon.Quests;
using Boon.Quests.Progress;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Bench;

/// <summary>
/// <c>boon replay quests</c> over 1,000,000 stored events: first with no projection at all, which it writes; then with the projection
/// equal, which it proves. The limit is the same rows read by COPY and thrown away.
/// </summary>
internal static class ReplayBench
{
    private const int Events = 1_000_000;
    private const int Users = 160_000;
    private const int Runs = 3;
    private const double FoldAim = 300_000;
    private const double WriteAim = 100_000;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0 }.ConnectionString);
        var module = new ModuleDatabase<QuestsDb>(new ModuleDatabase(QuestsModule.ModuleName, source, source));
        await new ModuleMigrations<QuestsDb>(module, NullLogger<ModuleMigrations>.Instance).ApplyAsync(ct);
        Console.WriteLine($"Storing {Events:N0} events...");
        await SeedAsync(source, ct);
        var replay = new ReplayProgress(module, new LogSignals());
        List<double> folded = [], proved = [], written = [], read = [];
        for (var run = -1; run < Runs; run++)
        {
            var copy = await SubscriptionBench.TimeAsync(() => ReadAsync(source, ct));
            await using (var empty = source.CreateCommand("truncate quests.progress, quests.completions"))
                await empty.ExecuteNonQueryAsync(ct);
            var mended = await replay.RunAsync(new ReplayOptions(CheckOnly: false), new Progress<long>(), ct);
            var equal = await replay.RunAsync(new ReplayOptions(CheckOnly: false), new Progress<long>(), ct);
            if (mended.Equal || !equal.Equal || equal.Events != Events)
                throw new InvalidOperationException($"The replay did not do its work: {mended}, {equal}");
            Console.WriteLine(run < 0 ? "Warmed up." : $"Run {run + 1} of {Runs}: COPY {copy:0.0} s, folded "
                + $"{equal.Folded.TotalSeconds:0.0} s, proved {equal.Took.TotalSeconds:0.0} s, written {mended.Took.TotalSeconds:0.0} s.");
            if (run < 0)
                continue;
            read.Add(Events / copy);
            folded.Add(Events / equal.Folded.TotalSeconds);
            proved.Add(Events / equal.Took.TotalSeconds);
            written.Add(Events / mended.Took.TotalSeconds);
        }
        return new Figures($"replay: {Events:N0} stored events of {Users:N0} users, medians of {Runs} runs, interleaved; the limit is the "
            + $"same rows read by COPY and thrown away")
            .Add("read and folded", Figures.Rate(Figures.Median(folded)), Figures.Rate(Figures.Median(read)), Figures.Ratio(folded, read),
                Figures.Rate(FoldAim), Figures.Median(folded) >= FoldAim)
            .Add("folded, written beside the live state, equality proved", Figures.Rate(Figures.Median(proved)),
                Figures.Rate(Figures.Median(read)), Figures.Ratio(proved, read), Figures.Rate(WriteAim), Figures.Median(proved) >= WriteAim)
            .Add("all of it and the live state written from nothing", Figures.Rate(Figures.Median(written)),
                Figures.Rate(Figures.Median(read)), Figures.Ratio(written, read));
    }

    private static async Task SeedAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        var quest = await QuestsBench.SeedQuestAsync(source, ct);
        await using var seed = source.CreateCommand($"""
            insert into quests.received (quest_id, version, user_id, source, sequence, event_id, type, happened_at, recorded_at, outcome,
                streak, completions)
            select $1, 1, md5((n::bigint * 7919 % {Users})::text)::uuid, 'identity', n, gen_random_uuid(), '{UserSignedIn.Name}', now(),
                now(), 'progressed', 1, 0
            from generate_series(1, {Events}) n order by n
            """);
        seed.Parameters.Add(new() { Value = quest });
        await seed.ExecuteNonQueryAsync(ct);
        // The module's own log as it would be: a replay looks in it for what was claimed.
        await using var log = source.CreateCommand($"""
            insert into quests.event_log (id, aggregatetype, aggregateid, type, payload, userid)
            select gen_random_uuid(), 'quest', $1::text, 'quests.quest-progressed.v1',
                json_build_object('questId', $1, 'userId', user_id, 'streak', 1, 'streakOf', 3, 'completions', 0, 'completionsOf', 2),
                    user_id
            from quests.received order by position
            """);
        log.Parameters.Add(new() { Value = quest });
        await log.ExecuteNonQueryAsync(ct);
        await using var settle = source.CreateCommand("vacuum analyze quests.received");
        await settle.ExecuteNonQueryAsync(ct);
    }

    private static async Task ReadAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var stream = await connection.BeginRawBinaryCopyAsync(
            "copy (select position, quest_id, version, user_id, period from quests.received order by position) to stdout (format binary)",
            ct);
        await stream.CopyToAsync(Stream.Null, ct);
    }
}
