using Boon.Platform.Data;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Log;

/// <summary>Runs a module's sequencer at each wake-up.</summary>
internal sealed partial class SequencerLoop(ModuleDatabase database, LogSignals signals, ILoggerFactory loggers) : BackgroundService
{
    /// <summary>First pause when another process holds the head; doubles up to the poll interval.</summary>
    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(2);

    /// <summary>From one pass that gave numbers to the next: under load a pass and each batch after it then has many events to one commit; at rest nobody waits.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(8);

    private readonly Sequencer sequencer = new(database, signals, loggers.CreateLogger<Sequencer>());
    private readonly ILogger logger = loggers.CreateLogger<SequencerLoop>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new WakeSignal();
        using var subscription = signals.OnAppended(database.Module, wake);
        var busyDelay = BusyDelay;
        var backoff = new Backoff();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var pass = await sequencer.PassAsync(stoppingToken);
                if (pass == Sequencer.Pass.Busy)
                {
                    await wake.WaitAsync(Backoff.Jittered(busyDelay), stoppingToken);
                    busyDelay = busyDelay * 2 < WakeSignal.Poll ? busyDelay * 2 : WakeSignal.Poll;
                    continue;
                }
                busyDelay = BusyDelay;
                backoff.Reset();
                if (pass == Sequencer.Pass.Idle)
                    await wake.WaitAsync(stoppingToken);
                else
                    await Task.Delay(Gather, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                await database.Outages.PauseAsync(database.Source, error, backoff, _ => LogPassFailed(logger, database.Module, error.Message), stoppingToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The sequencer of {Module} could not finish a pass and tries again: {Error}", EventName = "sequencer-failed")]
    private static partial void LogPassFailed(ILogger logger, string module, string error);
}

/// <summary>Waits until everything that was committed to a log has its number, for who needs to know what came before.</summary>
public sealed class LogBarrier(Databases databases, LogSignals signals, ILoggerFactory loggers)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(5);

    /// <summary>When this returns, all that a module had committed before the call is numbered.</summary>
    /// <exception cref="TimeoutException">Another process holds the head for longer than 5 s.</exception>
    public async Task SettleAsync(string module, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestWait);
        var sequencer = new Sequencer(databases.Of(module), signals, loggers.CreateLogger<Sequencer>());
        try
        {
            while (await sequencer.PassAsync(limit.Token) == Sequencer.Pass.Busy)
                await Task.Delay(BusyDelay, limit.Token);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            // the module was never started here: nothing was committed
        }
        catch (OperationCanceledException error) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"The log of {module} was not numbered within {LongestWait.TotalSeconds} s.", error);
        }
    }

    /// <summary>The last number of each log, read after all that its module had committed before the call has one: what is appended after this returns stands behind it.</summary>
    /// <exception cref="TimeoutException">As above.</exception>
    public async Task<IReadOnlyDictionary<string, long>> SettledHeadsAsync(IReadOnlyList<string> modules, CancellationToken ct)
    {
        var heads = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var module in modules)
        {
            await SettleAsync(module, ct);
            heads[module] = await HeadAsync(databases.Of(module), ct);
        }
        return heads;
    }

    private static async Task<long> HeadAsync(ModuleDatabase log, CancellationToken ct)
    {
        try
        {
            return await EventReader.HeadAsync(log.Source, log.Schema, ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return 0; // the module was never started here: its log is empty
        }
    }
}
