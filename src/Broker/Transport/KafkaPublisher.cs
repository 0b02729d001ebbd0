using System.Text;
using Confluent.Kafka;

namespace Boon.Broker.Transport;

/// <summary>
/// Publishes to a topic's one partition. The producer is idempotent, so what it sends again by itself neither doubles nor changes the
/// order.
/// </summary>
internal sealed class KafkaPublisher(IProducer<Null, byte[]?> producer, LinkState state, BrokerSettings settings, string module)
    : LogPublisher
{
    private readonly ConfirmWindow window = new(state, settings.ConfirmLimit);

    public override Task PublishAsync(IReadOnlyList<LogMessage> messages, CancellationToken ct) =>
        window.PublishAsync(messages, message =>
        {
            Write(message);
            return Task.CompletedTask;
        }, ct);

    private void Write(LogMessage message)
    {
        var headers = new Headers();
        CloudEvents.Write(CloudEventNames.Kafka, module, message, (name, value) => headers.Add(name, Encoding.UTF8.GetBytes(value)));
        if (message.Event is not null)
            headers.Add("content-type", Encoding.UTF8.GetBytes(CloudEvents.ContentType));
        try
        {
            var record = new Message<Null, byte[]?> { Headers = headers, Value = message.Event?.Payload };
            producer.Produce(KafkaTransport.Partition(module), record, Confirmed);
        }
        catch (KafkaException error)
        {
            state.Break(error.Error.Reason);
            throw state.Failure(error);
        }
    }

    private void Confirmed(DeliveryReport<Null, byte[]?> report)
    {
        if (report.Error.IsError || report.Status != PersistenceStatus.Persisted)
            state.Break($"it did not confirm a message ({report.Error.Reason})");
        else
            window.Free(1);
    }

    public override async ValueTask DisposeAsync()
    {
        state.Break("the connection was closed");
        await KafkaThreads.CloseAsync(producer, settings.AnswerLimit);
        window.Dispose();
        state.Dispose();
    }
}
