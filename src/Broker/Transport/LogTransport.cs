namespace Boon.Broker.Transport;

/// <summary>
/// A module's log on a broker: one RabbitMQ stream, or one Kafka topic with one partition, named <c>boon.{module}</c>. Every wait for the
/// broker has a limit; what takes longer is a <see cref="BrokerException"/>. Nothing reconnects by itself.
/// </summary>
public abstract class LogTransport : IAsyncDisposable
{
    /// <summary>The name of a module's stream.</summary>
    public static string NameOf(string module) => $"boon.{module}";

    /// <summary>The one that is set; null: there is no broker.</summary>
    /// <exception cref="SetupException">What is set does not go together.</exception>
    public static LogTransport? Of(IConfiguration configuration, ILoggerFactory loggers) => BrokerSettings.Of(configuration) switch
    {
        null => null,
        { Address.IsKafka: true } settings => new KafkaTransport(settings, loggers.CreateLogger<KafkaTransport>()),
        var settings => new RabbitTransport(settings),
    };

    /// <summary>Connects to publish a module's log.</summary>
    /// <exception cref="BrokerException">It cannot.</exception>
    public abstract Task<LogPublisher> PublisherAsync(string module, CancellationToken ct);

    /// <summary>
    /// Connects to read a module's log after an offset; -1: from the first message that the stream still has. If the stream no longer has
    /// the message after the offset, it begins with the first that comes later.
    /// </summary>
    /// <exception cref="BrokerException">
    /// It cannot, there is no such stream, or the stream ends before the offset: it is another one.
    /// </exception>
    public abstract Task<LogConsumer> ConsumerAsync(string module, long afterOffset, CancellationToken ct);

    /// <summary>The last message of a module's stream; null: it is empty, or there is none.</summary>
    /// <exception cref="BrokerException">The broker does not say.</exception>
    public abstract Task<StreamEnd?> EndAsync(string module, CancellationToken ct);

    /// <summary>Declares a module's stream with its age limit. One that exists stays as it is.</summary>
    /// <exception cref="BrokerException">It cannot.</exception>
    public abstract Task CreateAsync(string module, CancellationToken ct);

    /// <summary>Ends what its publishers and consumers share.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Publishes a module's log. Not for two at once.</summary>
public abstract class LogPublisher : IAsyncDisposable
{
    /// <summary>
    /// Publishes in order, many in flight, and returns when the broker has confirmed all of them.
    /// </summary>
    /// <exception cref="BrokerException">
    /// It refused one, did not confirm in time, or is away. Some may be published. This publisher is of no more use.
    /// </exception>
    public abstract Task PublishAsync(IReadOnlyList<LogMessage> messages, CancellationToken ct);

    /// <summary>Drops the connection.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Reads a module's log. Not for two at once.</summary>
public abstract class LogConsumer : IAsyncDisposable
{
    /// <summary>
    /// What has come, in order, at least one; waits until something comes. However slowly it is called, only a bounded number of messages
    /// wait in memory.
    /// </summary>
    /// <exception cref="BrokerException">The link broke, or the stream is gone. This consumer is of no more use.</exception>
    public abstract ValueTask<IReadOnlyList<ReceivedMessage>> NextAsync(CancellationToken ct);

    /// <summary>Drops the connection.</summary>
    public abstract ValueTask DisposeAsync();
}
