using System.Collections.Concurrent;
using Boon.Platform;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Support;
using Microsoft.Extensions.Logging;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>
/// A change of the number of lanes, asked for by a process that starts while the lanes of another are in the middle of their batches.
/// </summary>
[Collection("Defences")]
public sealed class LaneChangeTests
{
    private const int Events = 40;

    [Theory]
    [Defended(nameof(Defences.LanesAlone))]
    public Task It_waits_for_the_batches_and_they_do_not_wait_for_it(DefendedRun run) => Show(run, async boon =>
    {
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint "
            + "primary key)");
        for (var i = 0; i < Events; i++)
            await boon.Append("test.laned", Guid.CreateVersion7(), "{}");
        using var reached = new SemaphoreSlim(0);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var said = new Said();
        using var running = LaneTests.Runner(boon, lanes: 2, async (events, unit, ct) =>
        {
            reached.Release();
            await release.Task.WaitAsync(ct);
            return await LaneTests.StoreAsync(events, unit, ct);
        }, said);
        await running.StartAsync(CancellationToken.None);
        for (var lane = 0; lane < 2; lane++)
            await reached.WaitAsync();

        using var another = LaneTests.Runner(boon, lanes: 3, loggers: said);
        var starting = another.StartAsync(CancellationToken.None);
        await Eventually.Holds("the change to wait", () => boon.Scalar<bool>(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like "
                + "'%promotions.checkpoints%')"));
        release.SetResult();
        await Should.NotThrowAsync(() => starting);
        await Eventually.Holds("all events", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == Events);
        await running.StopAsync(CancellationToken.None);
        await Eventually.Holds(
            "3 lanes", async () =>
            await boon.Scalar<long>(
                "select count(*) from promotions.checkpoints where subscription = $1 and lanes = 3", LaneTests.Name) == 3);
        await another.StopAsync(CancellationToken.None);
        said.Errors.ShouldBeEmpty();
    }, TestBoon.StartModulesAsync(["identity", "promotions"]));

    /// <summary>
    /// A rolling deployment: a process with 2 lanes runs, one with 3 starts and dies at once, so that the change it asked for is ended by
    /// the other; then one with 2 starts beside it. The middle of a batch is held, so that the lanes stand at different places when the
    /// change is asked for.
    /// </summary>
    [Theory]
    [Defended(nameof(Defences.StoredLanes))]
    public Task The_last_start_says_how_many_lanes_there_are_and_all_processes_obey(DefendedRun run) => Show(run, async boon =>
    {
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint "
            + "primary key)");
        var users = Enumerable.Range(0, Events).Select(_ => Guid.CreateVersion7()).ToList();
        async Task Send()
        {
            foreach (var user in users)
                await boon.Append("test.laned", user, "{}");
        }

        await Send();
        using var reached = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        using var running = LaneTests.Runner(boon, lanes: 2, async (events, unit, ct) =>
        {
            reached.Release();
            await go.WaitAsync(ct);
            return await LaneTests.StoreAsync(events, unit, ct);
        });
        await running.StartAsync(CancellationToken.None);
        await reached.WaitAsync();
        using var another = LaneTests.Runner(boon, lanes: 3, async (_, _, ct) =>
        {
            await Task.Delay(Timeout.Infinite, ct);
            return BatchEffect.None;
        });
        var starting = another.StartAsync(CancellationToken.None);
        await Eventually.Holds("the change to wait", () => boon.Scalar<bool>(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like "
                + "'%promotions.checkpoints%')"));
        go.Release(2); // one of the lanes may come to its next batch before the change does
        await starting;
        await another.StopAsync(CancellationToken.None);
        go.Release(1_000_000);
        await HasLanes(3, run.Defended ? null : TimeSpan.FromSeconds(5));
        await Send();
        await HasHandled(2 * Events);

        using var last = LaneTests.Runner(boon, lanes: 2);
        await last.StartAsync(CancellationToken.None);
        await HasLanes(2);
        await Send();
        await HasHandled(3 * Events);
        await HasLanes(2);
        await last.StopAsync(CancellationToken.None);
        await Send();
        await HasHandled(4 * Events);
        await running.StopAsync(CancellationToken.None);
        await HasLanes(2);
        (await boon.Scalar<long>("""
            select count(*)
            from (select sequence < lag(sequence) over (partition by user_id order by place) as back from promotions.lane_probe) p
            where back
            """)).ShouldBe(0);

        Task HasLanes(int lanes, TimeSpan? within = null) => Eventually.Holds($"{lanes} lanes", () => boon.Scalar<bool>("""
            select count(*) = $2 and bool_and(lanes = $2 and hold_at is null and wanted_lanes is null)
            from promotions.checkpoints
            where subscription = $1
            """, LaneTests.Name, lanes), within);

        Task HasHandled(int events) =>
            Eventually.Holds("all events", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == events);
    }, TestBoon.StartModulesAsync(["identity", "promotions"]));

    /// <summary>
    /// Two hosts with different numbers on one database, of which the one that started last stops again, while members do what a quest
    /// counts.
    /// </summary>
    [Fact]
    public async Task A_host_takes_the_lanes_of_one_that_starts_beside_it_and_counts_everything_once()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.CreateQuest(new { trigger = "test.step", streak = 100, duplication = 1 });
        var users = Enumerable.Range(0, 50).Select(_ => Guid.CreateVersion7()).ToList();
        var sent = 0;
        await using (var beside = await boon.StartBesideAsync(("Boon:Subscriptions:quests.track-progress:Lanes", "5")))
            while (!await HasLanes(5))
                await Send();
        for (var i = 0; i < 5; i++)
            await Send();
        await boon.CaughtUp();
        (await HasLanes(5)).ShouldBeTrue();
        (await boon.Scalar<long>("select count(*) from quests.progress where received = $1", sent)).ShouldBe(users.Count);

        async Task Send()
        {
            await boon.AppendMany("test.step", users);
            sent++;
        }

        Task<bool> HasLanes(int lanes) => boon.Scalar<bool>("""
            select count(*) = $1 * count(distinct source) and bool_and(lanes = $1)
            from quests.checkpoints
            where subscription = 'quests.track-progress'
            """, lanes);
    }

    /// <summary>The errors that the subscription met: each is said with its message, or as an exception.</summary>
    internal sealed class Said : ILoggerFactory, ILogger
    {
        internal ConcurrentQueue<string> Errors { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Errors.Enqueue($"{eventId.Name}: {formatter(state, exception)} {exception?.Message}");
        }

        public void Dispose()
        {
        }
    }
}
