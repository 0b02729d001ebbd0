using System.Diagnostics.Metrics;
using Boon.Contracts;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Bench;

/// <summary>The module that appends; its schema holds nothing but its log.</summary>
internal sealed class ProducerDb(DbContextOptions<ProducerDb> options) : DbContext(options);

/// <summary>The module that subscribes.</summary>
internal sealed class ConsumerDb(DbContextOptions<ConsumerDb> options) : DbContext(options);

/// <summary>Two fresh schemas and everything between a writer and a checkpoint, put together as a host does it.</summary>
internal sealed class LogPipeline : IAsyncDisposable
{
    private const string Producer = "producer";
    private const string Consumer = "consumer";
    private const string Name = "bench.count";
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(1);

    private readonly Databases databases;
    private readonly LogSignals signals = new();
    private readonly ModuleDatabase<ProducerDb> producer;
    private readonly SubscriptionRunner<ConsumerDb> subscription;
    private readonly List<BackgroundService> services;
    private readonly MeterListener meters = new();
    private readonly TaskCompletionSource handledAll = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long handled;
    private int passes;
    private int batches;

    private LogPipeline(string connectionString)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:Boon", connectionString)]).Build();
        var loggers = NullLoggerFactory.Instance;
        databases = new Databases(settings, loggers);
        producer = new(databases.Of(Producer));
        var consumer = new ModuleDatabase<ConsumerDb>(databases.Of(Consumer));
        subscription = new(new Subscription<ConsumerDb>(Name, [Producer], HandleAsync, SingleLane: true), consumer, databases, signals, settings, loggers);
        services = [
            new SequencerLoop(producer.Database, signals, loggers), new SequencerLoop(consumer.Database, signals, loggers), subscription,
            new LogNotifications(databases, signals, TimeProvider.System, NullLogger<LogNotifications>.Instance)];
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == LogMetrics.Name && instrument.Name is "boon_events_sequenced" or "boon_events_handled")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) =>
        {
            if (tags[0].Value is Producer)
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

    internal static async Task<LogPipeline> CreateAsync(string connectionString, CancellationToken ct)
    {
        var pipeline = new LogPipeline(connectionString);
        foreach (var schema in (string[])[Producer, Consumer])
        {
            await using var create = pipeline.producer.Database.Source.CreateCommand(
                $"drop schema if exists {schema} cascade; create schema {schema}; {EventLogSchema.Create(schema)}");
            await create.ExecuteNonQueryAsync(ct);
        }
        return pipeline;
    }

    /// <summary>Everything side by side, until the checkpoint stands at the last event.</summary>
    internal async Task AllAtOnceAsync(List<BenchEvent> events, CancellationToken ct)
    {
        foreach (var service in services)
            await service.StartAsync(ct);
        await AppendAsync(events, ct);
        await ReachedAsync(events.Count, ct);
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
    internal async Task HandleAsync(int last, CancellationToken ct)
    {
        await subscription.StartAsync(ct);
        await ReachedAsync(last, ct);
    }

    /// <summary>Parses each event and logs one of its own for each hundred.</summary>
    private Task HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<ConsumerDb> unit, CancellationToken ct)
    {
        foreach (var e in events)
        {
            var signedIn = e.As<UserSignedIn>();
            if (++handled % 100 == 0)
                unit.AppendRaw("bench.hundred-counted.v1", "user", signedIn.UserId.ToString(), signedIn.UserId, $$"""{"count":{{handled}},"number":{{signedIn.Number}}}""", e);
        }
        if (events[^1].Sequence == SubscriptionBench.Events)
            handledAll.TrySetResult();
        return Task.CompletedTask;
    }

    private async Task ReachedAsync(int last, CancellationToken ct)
    {
        await handledAll.Task.WaitAsync(LongestWait, ct);
        while (true)
        {
            await using var look = databases.Of(Consumer).Source.CreateCommand($"select sequence from {Consumer}.checkpoints where subscription = '{Name}'");
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
