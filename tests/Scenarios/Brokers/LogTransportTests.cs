using Boon.Broker.Transport;
using Boon.Support;

namespace Boon.Scenarios.Brokers;

/// <summary>What holds of a log on any broker. Each test has a module of its own, so they can share one.</summary>
public abstract class LogTransportTests
{
    protected static readonly CancellationToken None = CancellationToken.None;

    private protected TestLog Log { get; } = TestLog.New();

    /// <summary>Events of the test of many.</summary>
    protected virtual int Many => 10_000;

    /// <summary>A transport, and the stream of the module where the transport does not make it.</summary>
    protected abstract Task<LogTransport> TransportAsync();

    [Fact]
    public async Task Many_events_are_read_in_order_as_they_were_published()
    {
        await using var transport = await TransportAsync();
        (await transport.EndAsync(Log.Module, None)).ShouldBeNull();
        await using var publisher = await transport.PublisherAsync(Log.Module, None);
        var sent = Log.Messages(1, Many);
        await publisher.PublishAsync([.. sent.Take(7)], None);
        await publisher.PublishAsync([.. sent.Skip(7)], None);
        await publisher.PublishAsync([Log.Heartbeat(Many)], None);

        (await transport.EndAsync(Log.Module, None)).ShouldBe(new StreamEnd(Log.Stream, Many, Log.LogId, Many));
        await using var consumer = await transport.ConsumerAsync(Log.Module, -1, None);
        var read = await TestLog.ReadAsync(consumer, Many + 1);
        read.Select(one => one.Offset).ShouldBe(Enumerable.Range(0, Many + 1).Select(i => (long)i));
        read.ConvertAll(one => one.Fault).ShouldAllBe(fault => fault == null);
        for (var i = 0; i < Many; i++)
        {
            var (was, came) = (sent[i], read[i].Message!);
            came.Event!.Payload.ShouldBe(was.Event!.Payload);
            (came with { Event = came.Event with { Payload = was.Event.Payload } }).ShouldBe(was);
        }
        read[^1].Message.ShouldBe(Log.Heartbeat(Many));
    }

    [Fact]
    public async Task A_consumer_begins_where_it_is_told_and_waits_at_the_end()
    {
        await using var transport = await TransportAsync();
        await using var publisher = await transport.PublisherAsync(Log.Module, None);
        await publisher.PublishAsync(Log.Messages(1, 700), None);

        await using (var middle = await transport.ConsumerAsync(Log.Module, 299, None))
            (await TestLog.ReadAsync(middle, 400)).Select(one => one.Message!.Event!.Sequence)
                .ShouldBe(Enumerable.Range(301, 400).Select(i => (long)i));

        await using var end = await transport.ConsumerAsync(Log.Module, 699, None);
        var next = end.NextAsync(None).AsTask();
        next.IsCompleted.ShouldBeFalse();
        await publisher.PublishAsync([Log.Message(701)], None);
        (await next.WaitAsync(Eventually.Longest))[0].Message!.Event!.Sequence.ShouldBe(701);

        using var stop = new CancellationTokenSource();
        var given = end.NextAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => given.WaitAsync(Eventually.Longest));
    }

    [Fact]
    public async Task A_consumer_behind_the_end_is_refused()
    {
        await using var transport = await TransportAsync();
        await using var publisher = await transport.PublisherAsync(Log.Module, None);
        await publisher.PublishAsync([Log.Message(1), Log.Message(2)], None);
        (await Should.ThrowAsync<BrokerException>(() => transport.ConsumerAsync(Log.Module, 2, None))).Message.ShouldContain("another one");
        await (await transport.ConsumerAsync(Log.Module, 1, None)).DisposeAsync();
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_is_said()
    {
        await using var transport = await TransportAsync();
        (await transport.EndAsync(Log.Module + "x", None)).ShouldBeNull();
        (await Should.ThrowAsync<BrokerException>(() => transport.ConsumerAsync(Log.Module + "x", -1, None))).Message.ShouldContain("yet");
    }
}
