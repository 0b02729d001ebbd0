using Boon.Platform.Data;
using Boon.Platform.Services;

namespace Boon.Platform.Log;

/// <summary>Waits until everything that was committed to a log has its number, for who needs to know what came before.</summary>
public sealed class LogBarrier(
    Databases databases, LogPlaces places, ModuleClient client, LogSignals signals, ILoggerFactory loggers)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(5);

    /// <summary>When this returns, all that a module had committed before the call is numbered.</summary>
    /// <exception cref="TimeoutException">Another process holds the head for longer than 5 s.</exception>
    public Task SettleAsync(string module, CancellationToken ct) => SettleAsync(databases.Of(module), ct);

    /// <summary>The same on a pool of the caller's choice: work that no request waits for takes no connection of requests.</summary>
    /// <exception cref="TimeoutException">As above.</exception>
    public async Task SettleAsync(ModuleDatabase log, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestWait);
        var sequencer = new Sequencer(log, signals, loggers.CreateLogger<Sequencer>());
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
            throw new TimeoutException($"The log of {log.Module} was not numbered within {LongestWait.TotalSeconds} s.", error);
        }
    }

    /// <summary>
    /// The last number of each log, read after all that its module had committed before the call has one: what is appended after this
    /// returns stands behind it. A log of which the reader has a copy only is settled where it is: its module is asked.
    /// </summary>
    /// <exception cref="TimeoutException">As above.</exception>
    /// <exception cref="SourceUnreachableException">A module that was asked did not answer.</exception>
    public async Task<IReadOnlyDictionary<string, long>> SettledHeadsAsync(
        string reader, IReadOnlyList<string> modules, CancellationToken ct)
    {
        // All at once: together they take no longer than the slowest.
        var elsewhere = modules.Where(module => places.Of(reader, module).IsCopy)
            .ToDictionary(module => module, module => client.SettleAsync(module, ct), StringComparer.Ordinal);
        var heads = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var module in modules)
            if (elsewhere.TryGetValue(module, out var asked))
                heads[module] = Defences.SettledAtTheSource.On ? (await asked).Head : await CopiedAsync(places.Of(reader, module), ct);
            else
            {
                await SettleAsync(module, ct);
                heads[module] = await HeadAsync(databases.Of(module), ct);
            }
        return heads;
    }

    /// <summary>How far a copy is: what its source had answered before may still be on its way.</summary>
    private static Task<long> CopiedAsync(LogPlace copy, CancellationToken ct) =>
        EventReader.HeadAsync(copy.Database.Source, copy.Schema, ct);

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
