using System.Globalization;
using RabbitMQ.Client;

namespace Boon.Broker.Transport;

/// <summary>
/// Logs on RabbitMQ streams, over AMQP 0.9.1. A stream <c>boon.{module}</c> is bound to an exchange of that name, and published to through
/// it: RabbitMQ asks for the right to write an exchange, and at its default exchange that is one right for all queues.
/// </summary>
internal sealed class RabbitTransport(BrokerSettings settings) : LogTransport
{
    /// <summary>Bytes of a file of a stream. RabbitMQ deletes by age whole files only, and never the one that it writes.</summary>
    private const int SegmentBytes = 32 * 1024 * 1024;

    /// <summary>How long nothing more comes at the end of a stream.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// RabbitMQ counts the messages of a stream every five seconds: the count says only after a while that there are none.
    /// </summary>
    private static readonly TimeSpan UntilCounted = TimeSpan.FromSeconds(8);

    /// <summary>How long the end of a stream is looked for while somebody publishes.</summary>
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);

    public override async Task<LogPublisher> PublisherAsync(string module, CancellationToken ct)
    {
        if (settings.Address.User != settings.PublisherOf(module))
            throw new BrokerException($"Readers of {NameOf(module)} believe {settings.PublisherOf(module)}, and Boon:Broker:Url has the "
                + $"user {settings.Address.User}: change it, or set Boon:Broker:Publishers:{module} in all processes.");
        var link = await OpenAsync(module, "ship", ct);
        try
        {
            await DeclareAsync(link, module, ct);
            return new RabbitPublisher(link, settings, module);
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    public override async Task<LogConsumer> ConsumerAsync(string module, long afterOffset, CancellationToken ct)
    {
        // RabbitMQ would wait for an offset beyond the end, and skip what comes until then.
        if (afterOffset >= 0 && (await LastAsync(module, ct))?.Offset is var end && (end is null || end < afterOffset))
            throw new BrokerException($"The stream {NameOf(module)} ends at offset {end ?? -1}, before {afterOffset}: it is another one.");
        var link = await OpenAsync(module, "receive", ct);
        try
        {
            return await link.CountAsync(NameOf(module), ct) is null
                ? throw new BrokerException($"The broker {settings.Address} has no stream {NameOf(module)} yet.")
                : await RabbitConsumer.StartAsync(
                    link, module, afterOffset, last: false, async stop => (await LastAsync(module, stop))?.Offset ?? -1, ct);
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    public override async Task<StreamEnd?> EndAsync(string module, CancellationToken ct) => await LastAsync(module, ct) switch
    {
        null => null,
        { Message: { } message } last =>
            new StreamEnd(message.Stream, last.Offset, message.LogId, message.Event?.Sequence ?? message.Shipped),
        { Fault: var fault } => throw new BrokerException($"The end of the stream {NameOf(module)} cannot be read: {fault}."),
    };

    public override async Task CreateAsync(string module, CancellationToken ct)
    {
        await using var link = await OpenAsync(module, "create", ct);
        await DeclareAsync(link, module, ct);
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<RabbitLink> OpenAsync(string module, string purpose, CancellationToken ct) =>
        RabbitLink.OpenAsync(settings, $"boon {purpose} {module}", ct);

    /// <summary>Each step does nothing where it was done before, so one who died in the middle is followed by another.</summary>
    private async Task DeclareAsync(RabbitLink link, string module, CancellationToken ct)
    {
        var name = NameOf(module);
        await link.TellAsync(() => link.Channel.ExchangeDeclareAsync(
            name, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: CancellationToken.None), ct);
        // One that exists keeps its age limit: asking for another would be refused.
        if (await link.CountAsync(name, ct) is null)
            await link.AskAsync(() => link.Channel.QueueDeclareAsync(
                name, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>(StringComparer.Ordinal)
                {
                    ["x-queue-type"] = "stream",
                    ["x-max-age"] = string.Create(CultureInfo.InvariantCulture, $"{(long)settings.Retention.TotalSeconds}s"),
                    ["x-stream-max-segment-size-bytes"] = SegmentBytes,
                }, cancellationToken: CancellationToken.None), ct);
        await link.TellAsync(() => link.Channel.QueueBindAsync(name, name, "", cancellationToken: CancellationToken.None), ct);
    }

    /// <summary>
    /// The last message of a stream by its publisher; null: there is none. What others wrote is not looked at. RabbitMQ does not say where
    /// a stream ends: it sends the last messages that it wrote together, and then nothing.
    /// </summary>
    private async Task<ReceivedMessage?> LastAsync(string module, CancellationToken ct)
    {
        await using var link = await OpenAsync(module, "look", ct);
        if (await link.CountAsync(NameOf(module), ct) is null)
            return null;
        await using var consumer = await RabbitConsumer.StartAsync(
            link, module, after: -1, last: true, _ => Task.FromResult(-1L), ct); // this one bounds its wait itself
        var (began, publisher) = (TimeProvider.System.GetTimestamp(), settings.PublisherOf(module));
        ReceivedMessage? last = null;
        var seen = false;
        while (true)
        {
            var messages = await consumer.NextAsync(Quiet, ct) ?? [];
            var elapsed = TimeProvider.System.GetElapsedTime(began);
            seen |= messages.Count > 0;
            last = messages.LastOrDefault(one => one.Publisher == publisher && one.Message is not null)
                ?? last ?? messages.LastOrDefault(one => one.Publisher == publisher);
            if (seen && (messages.Count == 0 || elapsed > LongestLook))
                return last ?? throw new BrokerException(
                    $"The last messages of the stream {NameOf(module)} are not of {publisher} (Boon:Broker:Publishers:{module}).");
            if (seen || elapsed < UntilCounted)
                continue;
            if (await link.CountAsync(NameOf(module), ct) is null or 0)
                return null;
            if (elapsed > UntilCounted + settings.AnswerLimit)
                throw new BrokerException($"The broker {settings.Address} does not send the end of the stream {NameOf(module)}.");
        }
    }
}
