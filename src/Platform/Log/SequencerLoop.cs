using Boon.Platform.Data;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Log;

/// <summary>Runs a module's sequencer at each wake-up.</summary>
internal sealed partial class SequencerLoop(ModuleDatabase database, LogSignals signals, ILoggerFactory loggers) : BackgroundService
{
    /// <summary>First pause when another process holds the head; doubles up to the poll interval.</summary>
    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// From one pass that gave numbers to the next: under load a pass and each batch after it then has many events to one commit; at rest
    /// nobody waits.
    /// </summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(8);

    private readonly Sequencer sequencer = new(database, signals, loggers.CreateLogger<Sequencer>());
    private readonly ILogger logger = loggers.CreateLogger<SequencerLoop>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new WakeSignal();
        using var subscription = signals.OnAppended(database.Module, wake);
        var busy = new Backoff(BusyDelay, WakeSignal.Poll);
        await database.Loops.RepeatAsync(PassAsync, (error, _) => LogPassFailed(logger, database.Module, error.Message), stoppingToken);

        async Task PassAsync()
        {
            var pass = await sequencer.PassAsync(stoppingToken);
            if (pass != Sequencer.Pass.Busy)
                busy.Reset();
            await (pass switch
            {
                Sequencer.Pass.Busy => wake.WaitAsync(busy.Next(), stoppingToken),
                Sequencer.Pass.Idle => wake.WaitAsync(stoppingToken),
                _ => Task.Delay(Gather, stoppingToken),
            });
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The sequencer of {Module} could not finish a pass and tries again: {Error}",
        EventName = "sequencer-failed")]
    private static partial void LogPassFailed(ILogger logger, string module, string error);
}
