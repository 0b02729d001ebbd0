using System.Collections.Concurrent;
using Boon.Platform;
using Boon.Platform.Log;
using Boon.Support;
using Microsoft.Extensions.Logging;
using static Boon.Scenarios.Defended;

namespace Boon.Scenarios;

/// <summary>A change of the number of lanes, asked for by a process that starts while the lanes of another are in the middle of their batches.</summary>
[Collection("Defences")]
public sealed class LaneChangeTests
{
    private const int Events = 40;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task It_waits_for_the_batches_and_they_do_not_wait_for_it(bool defended) => Show(nameof(Defences.LanesAlone), defended, async boon =>
    {
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint primary key)");
        for (var i = 0; i < Events; i++)
            await boon.Append("test.laned", Guid.CreateVersion7(), "{}");
        using var reached = new SemaphoreSlim(0);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var said = new Said();
        using var running = LaneTests.Runner(boon, lanes: 2, async (events, unit, ct) =>
        {
            reached.Release();
            await release.Task.WaitAsync(ct);
            await LaneTests.StoreAsync(events, unit, ct);
        }, said);
        await running.StartAsync(CancellationToken.None);
        for (var lane = 0; lane < 2; lane++)
            await reached.WaitAsync();

        using var another = LaneTests.Runner(boon, lanes: 3, loggers: said);
        var starting = another.StartAsync(CancellationToken.None);
        await Eventually.Holds("the change to wait", () => boon.Scalar<bool>(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%promotions.checkpoints%')"));
        release.SetResult();
        await Should.NotThrowAsync(() => starting);
        await Eventually.Holds("all events", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == Events);
        await running.StopAsync(CancellationToken.None);
        await Eventually.Holds("3 lanes", async () => await boon.Scalar<long>("select count(*) from promotions.checkpoints where subscription = $1 and lanes = 3", LaneTests.Name) == 3);
        await another.StopAsync(CancellationToken.None);
        said.Errors.ShouldBeEmpty();
    }, StartPatientAsync(["identity", "promotions"]));

    /// <summary>The errors that the subscription met: each is said with its message, or as an exception.</summary>
    private sealed class Said : ILoggerFactory, ILogger
    {
        internal ConcurrentQueue<string> Errors { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Errors.Enqueue($"{eventId.Name}: {formatter(state, exception)} {exception?.Message}");
        }

        public void Dispose()
        {
        }
    }
}
