using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Boon.Broker.Transport;

/// <summary>
/// Publishes to a stream through its exchange, with a bounded number of messages under way. Each is written before the next, so they arrive
/// in order. The broker takes back what no queue is bound for (<c>mandatory</c>), and vouches for the user.
/// </summary>
internal sealed class RabbitPublisher : LogPublisher
{
    private readonly RabbitLink link;
    private readonly BrokerSettings settings;
    private readonly string module;
    private readonly ConfirmWindow window;
    private readonly HashSet<ulong> unconfirmed = [];
    private ulong last;
    private ulong lowest = 1;

    internal RabbitPublisher(RabbitLink link, BrokerSettings settings, string module)
    {
        this.link = link;
        this.settings = settings;
        this.module = module;
        window = new ConfirmWindow(link.State, settings.ConfirmLimit);
        link.Channel.BasicAcksAsync += Confirmed;
        link.Channel.BasicNacksAsync += (_, _) => Refused("it refused a message");
        link.Channel.BasicReturnAsync += (_, e) => Refused($"it took a message back ({e.ReplyText})");
    }

    public override Task PublishAsync(IReadOnlyList<LogMessage> messages, CancellationToken ct) =>
        window.PublishAsync(messages, async message =>
        {
            lock (unconfirmed)
                unconfirmed.Add(++last);
            await link.TellAsync(() => WriteAsync(message), ct);
        }, ct);

    private Task WriteAsync(LogMessage message)
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        CloudEvents.Write(CloudEventNames.Amqp, module, message, headers.Add);
        var properties = new BasicProperties { UserId = settings.Address.User, Persistent = true, Headers = headers };
        if (message.Event is not null)
            properties.ContentType = CloudEvents.ContentType;
        return link.Channel.BasicPublishAsync(LogTransport.NameOf(module), "", mandatory: true, properties, message.Event?.Payload,
            CancellationToken.None).AsTask();
    }

    private Task Confirmed(object sender, BasicAckEventArgs e)
    {
        var places = 0;
        lock (unconfirmed)
            if (!e.Multiple)
                places = unconfirmed.Remove(e.DeliveryTag) ? 1 : 0;
            else
                for (; lowest <= e.DeliveryTag; lowest++)
                    places += unconfirmed.Remove(lowest) ? 1 : 0;
        window.Free(places);
        return Task.CompletedTask;
    }

    private Task Refused(string why)
    {
        link.State.Break(why);
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await link.DisposeAsync();
        window.Dispose();
    }
}
