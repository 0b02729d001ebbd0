using Confluent.Kafka;

namespace Boon.Broker.Transport;

/// <summary>Reads a topic's one partition. The library reads ahead up to a number of bytes.</summary>
internal sealed class KafkaConsumer(IConsumer<Ignore, byte[]?> consumer, LinkState state, BrokerSettings settings, string module)
    : LogConsumer
{
    private const int MostAtOnce = 500;

    public override async ValueTask<IReadOnlyList<ReceivedMessage>> NextAsync(CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, state.Broken);
        try
        {
            return await KafkaThreads.RunAsync(() => Take(stop.Token));
        }
        catch (OperationCanceledException)
        {
            ct.ThrowIfCancellationRequested();
            throw state.Failure();
        }
        catch (KafkaException error)
        {
            state.Break(error.Error.Reason);
            throw state.Failure(error);
        }
    }

    /// <summary>Waits for one, and takes with it what is there.</summary>
    private List<ReceivedMessage> Take(CancellationToken stop)
    {
        var messages = new List<ReceivedMessage> { Read(consumer.Consume(stop)) };
        while (messages.Count < MostAtOnce && consumer.Consume(TimeSpan.Zero) is { } next)
            messages.Add(Read(next));
        return messages;
    }

    private ReceivedMessage Read(ConsumeResult<Ignore, byte[]?> found)
    {
        var headers = found.Message.Headers;
        var (message, fault) = CloudEvents.Read(CloudEventNames.Kafka, module,
            name => headers?.TryGetLastBytes(name, out var value) == true ? value : null, found.Message.Value);
        return new ReceivedMessage(found.Offset.Value, null, message, fault);
    }

    public override async ValueTask DisposeAsync()
    {
        state.Break("the connection was closed");
        await KafkaThreads.CloseAsync(consumer, settings.AnswerLimit);
        state.Dispose();
    }
}
