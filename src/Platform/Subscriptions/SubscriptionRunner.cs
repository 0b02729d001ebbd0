using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Subscriptions;

/// <summary>A subscription as the host sees it: something that runs, and whose parked events can be redriven.</summary>
public abstract class SubscriptionRunner : BackgroundService
{
    /// <summary>The subscription's name.</summary>
    public abstract string Name { get; }

    /// <summary>The database of the module that reads.</summary>
    public abstract ModuleDatabase Database { get; }

    /// <summary>The modules whose logs it reads.</summary>
    public abstract IReadOnlyList<string> Sources { get; }

    /// <summary>The types that it reads, without their versions; null: all.</summary>
    internal abstract IReadOnlyList<string>? Types { get; }

    /// <summary>
    /// Handles a parked event again, in one transaction that closes its letter: its effect happens once. Throws what the handler throws.
    /// </summary>
    /// <param name="letter">The letter's id.</param>
    /// <param name="by">Who asks for it, see <see cref="Actor"/>; the letter keeps it.</param>
    /// <param name="ct">Ends the wait.</param>
    public abstract Task<Redrive> RedriveAsync(Guid letter, string by, CancellationToken ct);
}

/// <inheritdoc/>
public sealed partial class SubscriptionRunner<TContext>(
    Subscription<TContext> subscription, ModuleDatabase<TContext> module, LogPlaces places, EventVersions versions,
    LogSignals signals, IConfiguration configuration, ILoggerFactory loggers) : SubscriptionRunner
    where TContext : DbContext
{
    private readonly ILogger logger = loggers.CreateLogger<SubscriptionRunner>();

    /// <summary>Read when the host is built: what cannot be stops the start.</summary>
    private readonly SubscriptionSettings settings = SubscriptionSettings.Of(
        configuration, subscription.Name, subscription.SingleLane, subscription.Defaults ?? new());
    private readonly ModuleDatabase<TContext> background = module.ForBackground;

    /// <summary>Known before the host starts, so that it listens on each of them.</summary>
    private readonly IReadOnlyList<LogPlace> sources =
        [.. subscription.Sources.Select(source => places.Of(module.Database.Module, source))];

    /// <summary>How many lanes the start has found; null once the first turn has taken it.</summary>
    private int? laid;

    /// <inheritdoc/>
    public override string Name => subscription.Name;

    /// <inheritdoc/>
    public override ModuleDatabase Database => module.Database;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Sources { get; } = subscription.Sources;

    /// <inheritdoc/>
    internal override IReadOnlyList<string>? Types { get; } = subscription.Types?.Select(EventNames.WithoutVersion).ToList();

    /// <summary>Lays the checkpoints before the host serves: whoever sees it ready sees every subscription's place.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        laid = await AskAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    private Task<int> AskAsync(CancellationToken ct) => LaneLayout.AskAsync(background.Database, Name, Sources, settings.Lanes, ct);

    /// <summary>A process asks for its number of lanes when it starts; from then on it obeys.</summary>
    private async Task<int> LanesAsync(CancellationToken ct) =>
        (Defences.StoredLanes.On ? await LaneLayout.RunningAsync(background.Database, Name, ct) : null) ?? await AskAsync(ct);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Database.Loops.RepeatAsync(
        async () =>
        {
            var lanes = laid ?? await LanesAsync(stoppingToken);
            laid = null;
            LogStarted(logger, Name, lanes);
            // There are connections for as many lanes as this process asked for: more take turns.
            using var turns = new SemaphoreSlim(settings.Lanes);
            // The lane that sees another layout ends all of them: it may be this one again before the others look.
            using var layout = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var all = Enumerable.Range(0, lanes)
                .Select(lane => new Lane<TContext>(subscription, settings, lane, lanes, background, places, versions, signals, logger));
            await Task.WhenAll(all.Select(lane => new LaneReader<TContext>(lane, turns).RunAsync(layout)));
        },
        (error, _) => LogRestart(logger, error, Name), stoppingToken);

    /// <inheritdoc/>
    public override async Task<Redrive> RedriveAsync(Guid letter, string by, CancellationToken ct)
    {
        await using var unit = new Unit<TContext>(module, signals);
        await unit.BeginAsync(ct);
        (string Subscription, string Source, long Sequence, Guid EventId)? place;
        try
        {
            place = await DeadLetters.TakeAsync(unit, letter, ct);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return Redrive.InFlight;
        }
        if (place is not { } at || at.Subscription != Name)
            return Redrive.NotFound;

        var log = places.Of(Database.Module, at.Source);
        var e = await log.ReadAsync(unit.Connection, connection => EventReader.ReadOneAsync(connection, log, at.Sequence, ct), ct)
            ?? throw new InvalidOperationException($"Event {at.Sequence} of {at.Source} is not in the log.");
        if (e.Id != at.EventId)
            throw new LogDivergedException(at.Source, $"another event has the sequence {at.Sequence}");
        versions.Check(e);
        // The handler relies on being alone in its lane: wait for the lane's reader and keep it out.
        await LockLaneAsync(e, unit, ct);
        await subscription.Handler([e], unit, ct);
        await DeadLetters.CloseAsync(unit, letter, by, ct);
        await unit.CommitAsync(ct);
        return Redrive.Applied;
    }

    /// <summary>Locks the lane of an event as it is laid now: while its lock is waited for, the number of lanes may change.</summary>
    private async Task LockLaneAsync(LoggedEvent e, Unit<TContext> unit, CancellationToken ct)
    {
        while (true)
        {
            var running = unit.Command($"select max(lanes) from {Database.Schema}.checkpoints where subscription = $1", Name);
            if (await running.ScalarAsync<int?>(ct) is not { } lanes)
                return; // it has never read anything
            var rows = await Checkpoints.LockAsync(
                unit.Connection, new(Database.Schema, Name, Lanes.Of(e.UserId, lanes)), Sources, wait: true, ct);
            if (rows?.All(row => row.Lanes == lanes) == true)
                return;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Subscription {Subscription} reads with {Lanes} lane(s)", EventName = "subscription-started")]
    private static partial void LogStarted(ILogger logger, string subscription, int lanes);

    [LoggerMessage(2, LogLevel.Error, "Subscription {Subscription} stopped because of an error and starts again",
        EventName = "subscription-restarted")]
    private static partial void LogRestart(ILogger logger, Exception error, string subscription);
}
