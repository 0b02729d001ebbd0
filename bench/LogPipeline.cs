using System.Diagnostics.Metrics;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Platform.Units;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Bench;

/// <summary>The module that appends; its schema holds nothing but its log.</summary>
internal sealed class ProducerDb(DbContextOptions<ProducerDb> options) : DbContext(options)
{
    internal const string Schema = "producer";
}

/// <summary>The module that subscribes and does next to nothing.</summary>
internal sealed class ConsumerDb(DbContextOptions<ConsumerDb> options) : DbContext(options);

/// <summary>
/// The log of one module and the subscription of another, with everything between a writer and a checkpoint, put together as a host does
/// it.
/// </summary>
internal sealed class LogPipeline<TConsumer> : IAsyncDisposable
    where TConsumer : DbContext
{
    private const string Name = "bench.subscription";
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(1);

    private readonly Databases databases;
    private readonly LogSignals signals = new();
    private readonly ModuleDatabase<ProducerDb> producer;
    private readonly SubscriptionRunner<TConsumer> subscription;
    private readonly string consumerSchema = ModuleContext.SchemaOf<TConsumer>();
    private readonly BatchHandler<TConsumer> handler;
    private readonly int last;
    private readonly List<BackgroundService> services;
    private readonly MeterListener meters = new();
    private readonly TaskCompletionSource handledAll = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int handled;
    private int passes;
    private int batches;

    private LogPipeline(string connectionString, int last, int lanes, int batchSize, BatchHandler<TConsumer> handler)
    {
        this.last = last;
        this.handler = handler;
        var settings = new ConfigurationBuilder().AddInMemoryCollection(
            [new("ConnectionStrings:Boon", connectionString),
            new($"Boon:Subscriptions:{Name}:Lanes", lanes.ToString(CultureInfo.InvariantCulture)),
            new($"Boon:Subscriptions:{Name}:BatchSize", batchSize.ToString(CultureInfo.InvariantCulture))]).Build();
        var loggers = NullLoggerFactory.Instance;
        databases = new Databases(settings, loggers);
        producer = new(databases.Of(ProducerDb.Schema));
        var places = new LogPlaces(databases, settings, [], []);
        var consumer = new ModuleDatabase<TConsumer>(databases.Of(consumerSchema));
        subscription = new(new Subscription<TConsumer>(Name, [ProducerDb.Schema], HandleAsync, SingleLane: false), consumer, places,
            new EventVersions(new EventTypes([])), signals, settings, loggers);
        services = [
            new SequencerLoop(producer.Database, signals, loggers), new SequencerLoop(consumer.Database, signals, loggers), subscription,
            new LogNotifications(databases, places, signals, TimeProvider.System, NullLogger<LogNotifications>.Instance)];
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == LogMetrics.Name && instrument.Name is "boon_events_sequenced" or "boon_events_handled")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) =>
        {
            if (tags[0].Value is ProducerDb.Schema)
                Interlocked.Increment(ref passes);
            else if (instrument.Name == "boon_events_handled")
                Interlocked.Increment(ref batches);
        });
        meters.Start();
    }

    /// <summary>Passes of the producer's sequencer that gave numbers.</summary>
    internal int Passes => passes;

    /// <summary>Batches of the subscription.</summary>
    internal int Batches => batches;

    /// <summary>
    /// Puts it together on the schemas that are there, for a stream of <paramref name="last"/> events that so many lanes read in such
    /// batches.
    /// </summary>
    internal static async Task<LogPipeline<TConsumer>> CreateAsync(
        string connectionString, int last, int lanes, int batchSize, BatchHandler<TConsumer> handler, CancellationToken ct)
    {
        var pipeline = new LogPipeline<TConsumer>(connectionString, last, lanes, batchSize, handler);
        await CreateSchemaAsync(pipeline.producer.Database.Source, ProducerDb.Schema, ct);
        return pipeline;
    }

    /// <summary>A fresh schema with nothing but a log.</summary>
    internal static async Task CreateSchemaAsync(NpgsqlDataSource source, string schema, CancellationToken ct)
    {
        await using var create = source.CreateCommand($"drop schema if exists {schema} cascade; create schema {schema}; "
            + $"{EventLogSchema.Create(schema)} {EventLogSchema.AddBy(schema)} {EventLogSchema.AddReason(schema)} "
            + $"{EventLogSchema.AddEpochs(schema)} {EventLogSchema.AddWantedLanes(schema)}");
        await create.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Everything side by side, until the checkpoint stands at the last event.</summary>
    internal async Task AllAtOnceAsync(List<BenchEvent> events, CancellationToken ct)
    {
        foreach (var service in services)
            await service.StartAsync(ct);
        await AppendAsync(events, ct);
        await ReachedAsync(ct);
    }

    internal Task AppendAsync(List<BenchEvent> events, CancellationToken ct) => SubscriptionBench.WriteAsync(events, async (chunk, ct) =>
    {
        await using var unit = new Unit<ProducerDb>(producer, signals);
        await unit.BeginAsync(ct);
        foreach (var e in chunk)
            unit.AppendRaw(BenchEvent.Type, BenchEvent.AggregateType, e.UserId.ToString(), e.UserId, e.Payload);
        await unit.CommitAsync(ct);
    }, ct);

    internal async Task SequenceAsync(CancellationToken ct)
    {
        var sequencer = new Sequencer(producer.Database, signals, NullLogger<Sequencer>.Instance);
        while (await sequencer.PassAsync(ct) == Sequencer.Pass.Numbered)
        {
            // until all have their numbers
        }
    }

    /// <summary>The subscription alone, over events that have their numbers.</summary>
    internal async Task HandleAsync(CancellationToken ct)
    {
        await subscription.StartAsync(ct);
        await ReachedAsync(ct);
    }

    private async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<TConsumer> unit, CancellationToken ct)
    {
        var effect = await handler(events, unit, ct);
        if (Interlocked.Add(ref handled, events.Count) == last)
            handledAll.TrySetResult();
        return effect;
    }

    private async Task ReachedAsync(CancellationToken ct)
    {
        await handledAll.Task.WaitAsync(LongestWait, ct);
        while (true)
        {
            await using var look = databases.Of(consumerSchema).Source.CreateCommand(
                $"select min(sequence) from {consumerSchema}.checkpoints where subscription = '{Name}'");
            if (await look.ExecuteScalarAsync(ct) is long sequence && sequence >= last)
                return;
            await Task.Delay(BetweenLooks, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in services)
        {
            await service.StopAsync(CancellationToken.None);
            service.Dispose();
        }
        meters.Dispose();
        await databases.DisposeAsync();
    }
}
