using System.Text;
using Boon.Broker.Transport;
using Boon.Platform.Log;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Scenarios.Brokers;

/// <summary>A log that a test makes up, and what it does with it.</summary>
internal sealed record TestLog(string Module)
{
    internal Guid Stream { get; init; } = Guid.CreateVersion7();

    internal Guid LogId { get; } = Guid.CreateVersion7();

    /// <summary>One of a module whose name no other test has.</summary>
    internal static TestLog New() => new("t" + Guid.CreateVersion7().ToString("N"));

    internal LogMessage Heartbeat(long head) => new(Stream, LogId, head, head, null);

    internal LogMessage Message(long sequence, int size = 40) => new(
        Stream, LogId, sequence, sequence + 5, new LoggedEvent(
            Module, sequence, Guid.CreateVersion7(), "external.thing-done.v1", "thing", $"{sequence}", Guid.CreateVersion7(),
            Encoding.UTF8.GetBytes($$"""{"number": {{sequence}}, "text": "{{new string('é', size / 2)}}"}"""),
            new DateTime(2026, 5, 1, 9, 30, 0, DateTimeKind.Utc).AddMicroseconds(sequence),
            new DateTime(2026, 5, 1, 9, 30, 1, DateTimeKind.Utc).AddMicroseconds(sequence), null, null, "api-key:1"));

    internal LogMessage[] Messages(long from, int count, int size = 40) =>
        [.. Enumerable.Range(0, count).Select(i => Message(from + i, size))];

    /// <summary>
    /// Publishes one batch after the other until the broker is lost; answers the last sequence that was confirmed. Large batches are few,
    /// however late somebody ends the broker: after so many, it goes on with single messages.
    /// </summary>
    internal async Task<long> PublishUntilLostAsync(LogPublisher publisher, TaskCompletionSource first)
    {
        const int batch = 500;
        const int batches = 10;
        var from = 1L;
        try
        {
            while (true)
            {
                var count = from <= batch * batches ? batch : 1;
                await publisher.PublishAsync(Messages(from, count), CancellationToken.None);
                from += count;
                first.TrySetResult();
            }
        }
        catch (BrokerException)
        {
            return from - 1;
        }
    }

    internal static async Task<List<ReceivedMessage>> ReadAsync(LogConsumer consumer, int count)
    {
        var read = new List<ReceivedMessage>();
        while (read.Count < count)
            read.AddRange(await consumer.NextAsync(CancellationToken.None).AsTask().WaitAsync(Eventually.Longest));
        return read;
    }

    /// <summary>Everything that a stream has, up to its end. A broker that has just started does not know its streams at once.</summary>
    internal async Task<List<ReceivedMessage>> ReadAllAsync(LogTransport transport)
    {
        var end = await Eventually.Get("the end of the stream", async () =>
        {
            try
            {
                return await transport.EndAsync(Module, CancellationToken.None);
            }
            catch (BrokerException)
            {
                return null;
            }
        });
        await using var consumer = await transport.ConsumerAsync(Module, -1, CancellationToken.None);
        return await ReadAsync(consumer, (int)end.Offset + 1);
    }

    internal static IConfiguration Settings(params (string Key, string? Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.GroupBy(one => one.Key, StringComparer.Ordinal)
            .Select(same => KeyValuePair.Create(same.Key, same.Last().Value))).Build();

    internal static LogTransport Transport(params (string Key, string? Value)[] settings) =>
        LogTransport.Of(Settings(settings), NullLoggerFactory.Instance)!;
}
