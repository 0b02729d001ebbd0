using Boon.Contracts;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Quests;
using Boon.Quests.Progress;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Bench;

/// <summary>
/// 100,000 sign-in events through the quests module: three times, at most twice, each event received, judged, its progress and its
/// completions stored and logged. In turn with the bare subscription of the same events. All at once: writers, sequencers and the
/// subscription side by side, until the checkpoint stands at the last event.
/// </summary>
internal static class QuestsBench
{
    private const int SignInsEach = 6;
    private const int Runs = 5;
    private const double Least = 0.5;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var users = Enumerable.Range(0, (SubscriptionBench.Events / SignInsEach) + 1).Select(_ => Guid.CreateVersion7()).ToArray();
        var events = Enumerable.Range(0, SubscriptionBench.Events)
            .Select(number => SubscriptionBench.Make(number, users[number % users.Length])).ToList();
        await using var source = NpgsqlDataSource.Create(connectionString);
        var defaults = QuestsModule.TrackProgressDefaults;
        List<double> bare = [], quests = [], single = [];
        for (var run = -1; run < Runs; run++)
        {
            double plain;
            await using (var pipeline = await SubscriptionBench.BareAsync(connectionString, ct))
                plain = await SubscriptionBench.TimeAsync(() => pipeline.AllAtOnceAsync(events, ct));
            var whole = await QuestsAsync(defaults.Lanes, defaults.BatchSize);
            var one = await QuestsAsync(lanes: 1, SubscriptionBench.DefaultBatch);
            Console.WriteLine(run < 0 ? "Warmed up." : $"Run {run + 1} of {Runs}: bare {events.Count / plain:N0}, quests "
                + $"{events.Count / whole:N0}, with one lane {events.Count / one:N0} events a second.");
            if (run < 0)
                continue;
            bare.Add(events.Count / plain);
            quests.Add(events.Count / whole);
            single.Add(events.Count / one);
        }
        var ratio = Figures.Ratio(quests, bare);
        return new Figures($"quests: {events.Count:N0} sign-ins of {users.Length:N0} users, medians of {Runs} runs, interleaved; the limit "
            + $"is the bare subscription of the same events")
            .Add($"sign-in events to completed quests, {defaults.Lanes} lanes, batches of {defaults.BatchSize:N0} (the defaults)",
                Figures.Rate(Figures.Median(quests)), Figures.Rate(Figures.Median(bare)), ratio, $">= {Least:0.0}", ratio >= Least)
            .Add($"the same, 1 lane, batches of {SubscriptionBench.DefaultBatch}", Figures.Rate(Figures.Median(single)),
                Figures.Rate(Figures.Median(bare)), Figures.Ratio(single, bare))
            .Note("Each event is a row of the event store, moves a row of progress and is an event of quests; each third is a completion. "
                + "The bare subscription has 1 lane and batches of 500, its defaults.");

        async Task<double> QuestsAsync(int lanes, int batchSize)
        {
            await PrepareAsync(source, ct);
            double seconds;
            await using (var pipeline = await LogPipeline<QuestsDb>.CreateAsync(
                connectionString, events.Count, lanes, batchSize, new TrackProgress(NullLogger<TrackProgress>.Instance).HandleAsync, ct))
                seconds = await SubscriptionBench.TimeAsync(() => pipeline.AllAtOnceAsync(events, ct));
            await CheckAsync(source, users.Length, ct);
            return seconds;
        }
    }

    /// <summary>A fresh schema of the module, with one quest.</summary>
    private static async Task PrepareAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        await using (var drop = source.CreateCommand("drop schema if exists quests cascade"))
            await drop.ExecuteNonQueryAsync(ct);
        await new ModuleMigrations<QuestsDb>(
            new ModuleDatabase<QuestsDb>(new ModuleDatabase(QuestsModule.ModuleName, source, source)),
            NullLogger<ModuleMigrations>.Instance).ApplyAsync(ct);
        await SeedQuestAsync(source, ct);
    }

    /// <summary>The worked example: three times, ten diamonds, at most twice.</summary>
    internal static async Task<Guid> SeedQuestAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        var (quest, reward) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var seed = source.CreateBatch();
        seed.BatchCommands.Add(
            new("insert into quests.rewards (id, name, item, quantity) values ($1, 'r', 'diamond', 10)")
            { Parameters = { new() { Value = reward } } });
        seed.BatchCommands.Add(new("""
            insert into quests.quests (id, name, reward_id, trigger, streak, duplication, auto_claim, state, version, created_at)
            values ($1, 'q', $2, $3, 3, 2, false, 'active', 1, '2020-01-01')
            """)
        {
            Parameters =
            {
                new() { Value = quest }, new() { Value = reward }, new() { Value = EventNames.WithoutVersion(UserSignedIn.Name) },
            },
        });
        seed.BatchCommands.Add(new("""
            insert into quests.versions (quest_id, version, changed_by, state, reward_id, streak, duplication, auto_claim, after)
            values ($1, 1, $1, 'active', $2, 3, 2, false, '{}')
            """) { Parameters = { new() { Value = quest }, new() { Value = reward } } });
        await seed.ExecuteNonQueryAsync(ct);
        return quest;
    }

    private static async Task CheckAsync(NpgsqlDataSource source, int users, CancellationToken ct)
    {
        await using var count = source.CreateCommand("select (select count(*) from quests.received), (select sum(completions) from "
            + "quests.progress), (select count(*) from quests.completions)");
        await using var reader = await count.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var completions = (SubscriptionBench.Events / users / 3 * users)
            + (SubscriptionBench.Events % users * ((SignInsEach / 3) - (SubscriptionBench.Events / users / 3)));
        if (reader.GetInt64(0) != SubscriptionBench.Events || reader.GetInt64(1) != completions || reader.GetInt64(2) != completions)
            throw new InvalidOperationException(
                $"Received {reader.GetInt64(0)}, completed {reader.GetInt64(1)} and {reader.GetInt64(2)} of {completions}.");
    }
}
