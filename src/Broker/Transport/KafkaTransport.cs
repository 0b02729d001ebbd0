using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Boon.Broker.Transport;

/// <summary>Logs on Kafka: a topic <c>boon.{module}</c> with one partition, whose offsets the reader keeps itself.</summary>
internal sealed partial class KafkaTransport(BrokerSettings settings, ILogger<KafkaTransport> logger) : LogTransport
{
    private const int BufferedKilobytes = 16 * 1024;

    public override async Task<LogPublisher> PublisherAsync(string module, CancellationToken ct)
    {
        var state = new LinkState(settings.Address);
        var config = new ProducerConfig(Client($"boon-ship-{module}"))
        {
            EnableIdempotence = true,
            Acks = Acks.All,
            MessageTimeoutMs = Milliseconds(settings.ConfirmLimit),
            // A topic that the broker makes by itself would have several partitions, and no order.
            AllowAutoCreateTopics = false,
        };
        var producer = new ProducerBuilder<Null, byte[]?>(config)
            .SetErrorHandler((_, error) => Watch(state, error)).SetLogHandler((_, line) => Log(line)).Build();
        try
        {
            using var client = new DependentAdminClientBuilder(producer.Handle).Build();
            await DemandTopicAsync(client, module, ct);
            return new KafkaPublisher(producer, state, settings, module);
        }
        catch
        {
            await KafkaThreads.CloseAsync(producer, settings.AnswerLimit);
            state.Dispose();
            throw;
        }
    }

    public override async Task<LogConsumer> ConsumerAsync(string module, long afterOffset, CancellationToken ct)
    {
        var (consumer, state) = Consumer(module);
        try
        {
            using (var client = new DependentAdminClientBuilder(consumer.Handle).Build())
                await DemandTopicAsync(client, module, ct);
            var kept = await KeptAsync(consumer, module, ct);
            if (afterOffset >= kept.High.Value)
                throw new BrokerException(
                    $"The topic {NameOf(module)} ends at offset {kept.High.Value - 1}, before {afterOffset}: it is another one.");
            consumer.Assign(new TopicPartitionOffset(Partition(module), Math.Max(afterOffset + 1, kept.Low.Value)));
            return new KafkaConsumer(consumer, state, settings, module);
        }
        catch
        {
            await KafkaThreads.CloseAsync(consumer, settings.AnswerLimit);
            state.Dispose();
            throw;
        }
    }

    public override async Task<StreamEnd?> EndAsync(string module, CancellationToken ct)
    {
        var (consumer, state) = Consumer(module);
        await using var last = new KafkaConsumer(consumer, state, settings, module);
        using (var client = new DependentAdminClientBuilder(consumer.Handle).Build())
            if (!await HasTopicAsync(client, module, ct))
                return null;
        var kept = await KeptAsync(consumer, module, ct);
        if (kept.High.Value <= kept.Low.Value)
            return null;
        consumer.Assign(new TopicPartitionOffset(Partition(module), kept.High.Value - 1));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(settings.AnswerLimit);
        try
        {
            return (await last.NextAsync(limit.Token))[0] switch
            {
                { Message: { } message, Offset: var offset } =>
                    new StreamEnd(message.Stream, offset, message.LogId, message.Event?.Sequence ?? message.Shipped),
                { Fault: var fault } => throw new BrokerException($"The end of the topic {NameOf(module)} cannot be read: {fault}."),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new BrokerException($"The broker {settings.Address} does not send the end of the topic {NameOf(module)}.");
        }
    }

    public override async Task CreateAsync(string module, CancellationToken ct)
    {
        using var client = new AdminClientBuilder(new AdminClientConfig(Client("boon-create")))
            .SetLogHandler((_, line) => Log(line)).Build();
        if (await HasTopicAsync(client, module, ct))
            return;
        var topic = new TopicSpecification
        {
            Name = NameOf(module),
            NumPartitions = 1,
            ReplicationFactor = -1, // what the broker is set to
            Configs = new(StringComparer.Ordinal)
            {
                ["cleanup.policy"] = "delete",
                ["retention.ms"] = ((long)settings.Retention.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
            },
        };
        try
        {
            await client.CreateTopicsAsync(
                [topic], new() { RequestTimeout = settings.AnswerLimit, OperationTimeout = settings.AnswerLimit })
                .WaitAsync(2 * settings.AnswerLimit, ct);
        }
        catch (CreateTopicsException error) when (error.Results.TrueForAll(one => one.Error.Code == ErrorCode.TopicAlreadyExists))
        {
            // Somebody else was faster.
        }
        catch (Exception error) when (error is KafkaException or TimeoutException)
        {
            throw new BrokerException($"The broker {settings.Address} does not make the topic {NameOf(module)}: {error.Message}", error);
        }
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal static TopicPartition Partition(string module) => new(NameOf(module), 0);

    private (IConsumer<Ignore, byte[]?> Consumer, LinkState State) Consumer(string module)
    {
        var state = new LinkState(settings.Address);
        var config = new ConsumerConfig(Client($"boon-receive-{module}"))
        {
            GroupId = "boon", // asked for by the library; nothing is committed, so there is no group
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Error, // a place that is gone is said, and not replaced by another
            QueuedMaxMessagesKbytes = BufferedKilobytes,
            AllowAutoCreateTopics = false,
        };
        return (new ConsumerBuilder<Ignore, byte[]?>(config)
            .SetErrorHandler((_, error) => Watch(state, error)).SetLogHandler((_, line) => Log(line)).Build(), state);
    }

    private ClientConfig Client(string name)
    {
        var address = settings.Address;
        var signsIn = address.User is not null;
        return new ClientConfig
        {
            BootstrapServers = address.HostList,
            ClientId = name,
            SecurityProtocol = (address.IsEncrypted, signsIn) switch
            {
                (true, true) => SecurityProtocol.SaslSsl,
                (true, false) => SecurityProtocol.Ssl,
                (false, true) => SecurityProtocol.SaslPlaintext,
                (false, false) => SecurityProtocol.Plaintext,
            },
            SaslMechanism = signsIn ? SaslMechanism.ScramSha512 : null,
            SaslUsername = address.User,
            SaslPassword = settings.Password,
            SocketTimeoutMs = Milliseconds(settings.AnswerLimit),
            SocketConnectionSetupTimeoutMs = Milliseconds(settings.AnswerLimit),
        };
    }

    private static int Milliseconds(TimeSpan time) => (int)time.TotalMilliseconds;

    /// <summary>The library would try again for ever. Here the caller does, from what it knows to be done.</summary>
    private static void Watch(LinkState state, Error error)
    {
        if (error.IsFatal || error.Code is ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Authentication)
            state.Break(error.Reason);
    }

    private async Task DemandTopicAsync(IAdminClient client, string module, CancellationToken ct)
    {
        if (!await HasTopicAsync(client, module, ct))
            throw new BrokerException($"The broker {settings.Address} has no topic {NameOf(module)} yet: boon ship --create-topics makes "
                + "it, or you do, with one partition.");
    }

    /// <summary>Whether there is a module's topic. One with several partitions has no order, and is refused.</summary>
    private async Task<bool> HasTopicAsync(IAdminClient client, string module, CancellationToken ct)
    {
        var found = await AskAsync(() => client.GetMetadata(NameOf(module), settings.AnswerLimit), ct);
        var topic = found.Topics.Find(one => one.Topic == NameOf(module));
        if (topic is null || topic.Error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic)
            return false;
        return topic.Error.IsError ? throw new BrokerException($"The topic {NameOf(module)}: {topic.Error.Reason}")
            : topic.Partitions.Count == 1 ? true
            : throw new BrokerException($"The topic {NameOf(module)} has {topic.Partitions.Count} partitions; it must have one.");
    }

    /// <summary>The first offset that is kept, and the one that the next message gets.</summary>
    private Task<WatermarkOffsets> KeptAsync(IConsumer<Ignore, byte[]?> consumer, string module, CancellationToken ct) =>
        AskAsync(() => consumer.QueryWatermarkOffsets(Partition(module), settings.AnswerLimit), ct);

    /// <summary>
    /// The library limits these questions itself. They are waited for to their end: a client that is closed under one takes the process
    /// down.
    /// </summary>
    private async Task<T> AskAsync<T>(Func<T> question, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        try
        {
            return await KafkaThreads.RunAsync(question);
        }
        catch (KafkaException error)
        {
            throw new BrokerException($"The broker {settings.Address} does not answer: {error.Message}", error);
        }
    }

    private void Log(Confluent.Kafka.LogMessage line) => LogLine(line.Facility, line.Message);

    [LoggerMessage(Level = LogLevel.Debug, EventName = "kafka", Message = "Kafka's client ({Facility}): {Line}")]
    private partial void LogLine(string facility, string line);
}
