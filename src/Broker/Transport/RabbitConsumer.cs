using System.Globalization;
using System.Threading.Channels;
using RabbitMQ.Client;

namespace Boon.Broker.Transport;

/// <summary>
/// Reads a stream. The broker sends on only as messages are acknowledged, which happens when they are taken: so twice the credit, and what
/// the broker reads at once, is the most that is in memory.
/// </summary>
internal sealed class RabbitConsumer : LogConsumer
{
    /// <summary>Messages that the broker may send ahead.</summary>
    internal const ushort Credit = 1_000;

    private const int MostAtOnce = 5_000;

    private readonly RabbitLink link;
    private readonly long after;
    private readonly string module;
    private readonly Func<CancellationToken, Task<long>> end;
    private readonly Channel<(ulong Tag, ReceivedMessage Message)> buffer =
        Channel.CreateUnbounded<(ulong, ReceivedMessage)>(new UnboundedChannelOptions { SingleWriter = true });

    private string tag = "";
    private long sent;

    private RabbitConsumer(RabbitLink link, string module, long after, Func<CancellationToken, Task<long>> end)
    {
        (this.link, this.module, this.after, this.end) = (link, module, after, end);
        sent = after;
        link.State.Broken.Register(() => buffer.Writer.TryComplete());
    }

    /// <summary>For tests: the broker goes on without this reader, which is not told.</summary>
    internal Task StopSendingAsync() => link.TellAsync(() => link.Channel.BasicCancelAsync(tag), CancellationToken.None);

    /// <summary>Messages that have come and were not taken.</summary>
    internal int Waiting => buffer.Reader.Count;

    /// <summary>
    /// Begins to read behind an offset, at the first message (-1), or at the last few. Who hears nothing asks for the stream's end.
    /// </summary>
    internal static async Task<RabbitConsumer> StartAsync(
        RabbitLink link, string module, long after, bool last, Func<CancellationToken, Task<long>> end, CancellationToken ct)
    {
        var consumer = new RabbitConsumer(link, module, after, end);
        var from = new Dictionary<string, object?>(StringComparer.Ordinal)
            { ["x-stream-offset"] = last ? "last" : after < 0 ? "first" : after + 1 };
        await link.TellAsync(() => link.Channel.BasicQosAsync(0, Credit, global: false, CancellationToken.None), ct);
        consumer.tag = await link.AskAsync(() => link.Channel.BasicConsumeAsync(
            LogTransport.NameOf(module), autoAck: false, "", noLocal: false, exclusive: false, from, new Receiver(consumer),
            CancellationToken.None), ct);
        return consumer;
    }

    public override async ValueTask<IReadOnlyList<ReceivedMessage>> NextAsync(CancellationToken ct)
    {
        while (!await HasComeAsync(ct))
            await DemandAsync(ct);
        var messages = new List<ReceivedMessage>();
        var taken = 0UL;
        while (messages.Count < MostAtOnce && buffer.Reader.TryRead(out var next))
        {
            messages.Add(next.Message);
            taken = next.Tag;
        }
        try
        {
            // Not given up halfway: the messages are taken, so they are handed over.
            await link.TellAsync(
                () => link.Channel.BasicAckAsync(taken, multiple: true, CancellationToken.None).AsTask(), CancellationToken.None);
        }
        catch (BrokerException)
        {
            // They are here all the same; the next call says that the link is broken.
        }
        return messages;
    }

    /// <summary>False: nothing has come for a while, which can mean that there is nothing, or that the broker hangs.</summary>
    private async Task<bool> HasComeAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(link.Patience);
        try
        {
            return await buffer.Reader.WaitToReadAsync(limit.Token) ? true : throw link.State.Failure();
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>
    /// The broker has to answer and still have the stream, and it has to have sent all of it: while a RabbitMQ starts, a reader can come
    /// to a process of the stream that is soon replaced, and hears nothing ever after.
    /// </summary>
    private async Task DemandAsync(CancellationToken ct)
    {
        await link.DemandAnswerAsync(module, ct);
        if (await end(ct) <= Volatile.Read(ref sent))
            return;
        link.State.Break("it has stopped sending the stream");
        throw link.State.Failure();
    }

    /// <summary>What has come within a time; null: nothing.</summary>
    internal async Task<IReadOnlyList<ReceivedMessage>?> NextAsync(TimeSpan within, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(within);
        try
        {
            return await NextAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
    }

    public override ValueTask DisposeAsync() => link.DisposeAsync();

    private void Take(ulong tag, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        var headers = properties.Headers;
        var offset = Convert.ToInt64(headers!["x-stream-offset"], CultureInfo.InvariantCulture);
        Volatile.Write(ref sent, offset);
        if (offset <= after)
            return; // sent with its neighbours
        var (message, fault) = CloudEvents.Read(
            CloudEventNames.Amqp, module, name => headers.TryGetValue(name, out var value) ? value : null, body);
        buffer.Writer.TryWrite((tag, new ReceivedMessage(offset, properties.UserId ?? "", message, fault)));
    }

    private sealed class Receiver(RabbitConsumer consumer) : AsyncDefaultBasicConsumer(consumer.link.Channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            try
            {
                consumer.Take(deliveryTag, properties, body.Span);
            }
            catch (Exception error)
            {
                // The client would go on with the next one, and nobody would miss this one.
                consumer.link.State.Break($"a message could not be taken: {error.Message}");
            }
            return Task.CompletedTask;
        }

        /// <summary>The broker takes the consumer away: the stream was deleted, or moves.</summary>
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            consumer.link.State.Break("the stream is gone");
            return Task.CompletedTask;
        }
    }
}
