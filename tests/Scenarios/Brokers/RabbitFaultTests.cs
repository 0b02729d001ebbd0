using Boon.Broker.Transport;
using Boon.Support;
using RabbitMQ.Client;

namespace Boon.Scenarios.Brokers;

/// <summary>A RabbitMQ of these tests' own that is killed, frozen and wiped, with a user for each module.</summary>
public sealed class RabbitFaultTests(RabbitFaultTests.OwnRabbit own) : IClassFixture<RabbitFaultTests.OwnRabbit>
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly TestLog log = TestLog.New();
    private TestRabbit Rabbit => own.Rabbit;

    [Fact]
    public async Task What_was_confirmed_before_a_kill_is_there_afterwards_in_order()
    {
        await using var transport = Transport();
        await using var publisher = await transport.PublisherAsync(log.Module, None);
        await using var consumer = await transport.ConsumerAsync(log.Module, -1, None);
        var first = new TaskCompletionSource();
        var publishing = log.PublishUntilLostAsync(publisher, first);
        await first.Task.WaitAsync(Eventually.Longest);
        await Rabbit.KillAsync();
        var confirmed = await publishing.WaitAsync(Eventually.Longest);
        await Should.ThrowAsync<BrokerException>(() => DrainAsync(consumer).WaitAsync(Eventually.Longest));
        await Should.ThrowAsync<BrokerException>(() => publisher.PublishAsync([log.Message(1)], None));
        await Should.ThrowAsync<BrokerException>(() => transport.EndAsync(log.Module, None));

        await Rabbit.RestartAsync();
        var kept = await log.ReadAllAsync(transport);
        kept.Count.ShouldBeGreaterThanOrEqualTo((int)confirmed);
        kept.Select(one => one.Message!.Event!.Sequence).ShouldBe(Enumerable.Range(1, kept.Count).Select(i => (long)i));
        // And on it goes: some may be there twice.
        await using var next = await transport.PublisherAsync(log.Module, None);
        await next.PublishAsync(log.Messages(confirmed + 1, 600), None);
        (await transport.EndAsync(log.Module, None))!.Sequence.ShouldBe(confirmed + 600);
    }

    [Fact]
    public async Task A_broker_that_freezes_is_given_up_in_bounded_time_by_all()
    {
        await using var transport = Transport();
        var publisher = await transport.PublisherAsync(log.Module, None);
        await publisher.PublishAsync(log.Messages(1, 10), None);
        var consumer = await transport.ConsumerAsync(log.Module, 9, None);
        var reading = consumer.NextAsync(None).AsTask();
        Rabbit.Freeze();
        try
        {
            await Should.ThrowAsync<BrokerException>(
                () => publisher.PublishAsync(log.Messages(11, 5_000), None).WaitAsync(Eventually.Longest));
            await Should.ThrowAsync<BrokerException>(() => reading.WaitAsync(Eventually.Longest));
            await Should.ThrowAsync<BrokerException>(() => transport.EndAsync(log.Module, None).WaitAsync(Eventually.Longest));
            await Should.ThrowAsync<BrokerException>(() => transport.PublisherAsync(log.Module, None).WaitAsync(Eventually.Longest));
            await publisher.DisposeAsync().AsTask().WaitAsync(Eventually.Longest);
            await consumer.DisposeAsync().AsTask().WaitAsync(Eventually.Longest);
        }
        finally
        {
            Rabbit.Thaw();
        }
        await using var next = await transport.PublisherAsync(log.Module, None);
        await next.PublishAsync(log.Messages(11, 10), None);
    }

    [Fact]
    public async Task A_wiped_broker_has_no_stream_and_then_another_one()
    {
        await using var transport = Transport();
        await using (var publisher = await transport.PublisherAsync(log.Module, None))
            await publisher.PublishAsync(log.Messages(1, 10), None);
        await Rabbit.KillAsync();
        Rabbit.Wipe();
        await Rabbit.RestartAsync();
        (await transport.EndAsync(log.Module, None)).ShouldBeNull();
        var anew = log with { Stream = Guid.CreateVersion7() };
        await using (var publisher = await transport.PublisherAsync(log.Module, None))
            await publisher.PublishAsync(anew.Messages(1, 3), None);
        (await transport.EndAsync(log.Module, None)).ShouldBe(new StreamEnd(anew.Stream, 2, anew.LogId, 3));
        (await Should.ThrowAsync<BrokerException>(() => transport.ConsumerAsync(log.Module, 9, None))).Message.ShouldContain("another one");
    }

    [Fact]
    public async Task A_stream_that_the_broker_cannot_reach_is_not_taken_for_none()
    {
        await using var rabbit = await TestRabbit.OwnAsync();
        await using var transport = TestLog.Transport(("Boon:Broker:Url", rabbit.Url()), ("Boon:Broker:Password", TestRabbit.Password),
            ($"Boon:Broker:Publishers:{log.Module}", TestRabbit.Anybody));
        await using (var publisher = await transport.PublisherAsync(log.Module, None))
            await publisher.PublishAsync(log.Messages(1, 3), None);
        // Killed so soon after its first stream, RabbitMQ knows of the stream, and not where it is. A slow one may have found it.
        await rabbit.KillAtOnceAsync();
        await rabbit.RestartAsync();
        try
        {
            (await transport.EndAsync(log.Module, None)).ShouldNotBeNull();
        }
        catch (BrokerException error)
        {
            error.Message.ShouldContain("down or inaccessible");
        }
    }

    [Fact]
    public async Task Only_a_modules_own_user_writes_its_stream()
    {
        var identity = log with { Module = "identity" };
        await using var transport = Transport("boon-identity");
        await using (var publisher = await transport.PublisherAsync("identity", None))
            await publisher.PublishAsync(identity.Messages(1, 2), None);

        // Its readers read it, with a user that cannot write it: neither the transport nor somebody with a client of his own.
        await using var orders = Transport("boon-orders", ("Boon:Broker:Publishers:identity", "boon-orders"));
        await Should.ThrowAsync<BrokerException>(() => orders.PublisherAsync("identity", None));
        await RefusesAsync("boon-orders", exchange: "boon.identity", key: "", claimed: "boon-orders");
        await RefusesAsync("boon-orders", exchange: "", key: "boon.identity", claimed: "boon-orders");
        // And nobody writes in the name of another.
        await RefusesAsync("boon-identity", exchange: "boon.identity", key: "", claimed: "boon-orders");

        await using var reader = Transport("boon-orders");
        await using var consumer = await reader.ConsumerAsync("identity", -1, None);
        (await TestLog.ReadAsync(consumer, 2)).ShouldAllBe(one => one.Publisher == "boon-identity" && one.Message != null);
        (await Should.ThrowAsync<BrokerException>(() => reader.PublisherAsync("identity", None))).Message
            .ShouldContain("Boon:Broker:Publishers:identity");
    }

    [Fact]
    public async Task What_others_wrote_is_read_as_theirs_and_is_not_the_end()
    {
        await using var transport = Transport();
        await using var publisher = await transport.PublisherAsync(log.Module, None);
        await publisher.PublishAsync(log.Messages(1, 3), None);
        await using (var stranger = Transport(TestRabbit.Second, ($"Boon:Broker:Publishers:{log.Module}", TestRabbit.Second)))
        await using (var other = await stranger.PublisherAsync(log.Module, None))
            await other.PublishAsync([log.Message(99)], None);
        await PublishAsync(TestRabbit.Anybody, $"boon.{log.Module}", "", TestRabbit.Anybody);
        await PublishAsync(TestRabbit.Anybody, $"boon.{log.Module}", "", claimed: null);

        await using var consumer = await transport.ConsumerAsync(log.Module, -1, None);
        var read = await TestLog.ReadAsync(consumer, 6);
        read.ConvertAll(one => one.Publisher).ShouldBe(
            [TestRabbit.Anybody, TestRabbit.Anybody, TestRabbit.Anybody, TestRabbit.Second, TestRabbit.Anybody, ""]);
        read[4].Message.ShouldBeNull();
        read[4].Fault.ShouldBe("cloudEvents:specversion is missing");
    }

    [Fact]
    public async Task A_deleted_stream_ends_its_readers_and_takes_nothing_more()
    {
        await using var transport = Transport();
        await using var publisher = await transport.PublisherAsync(log.Module, None);
        await publisher.PublishAsync([log.Message(1)], None);
        await using var consumer = await transport.ConsumerAsync(log.Module, 0, None);
        var reading = consumer.NextAsync(None).AsTask();
        await using (var connection = await ConnectAsync(TestRabbit.Anybody))
        await using (var channel = await connection.CreateChannelAsync())
            await channel.QueueDeleteAsync($"boon.{log.Module}");
        (await Should.ThrowAsync<BrokerException>(async () => (await reading.WaitAsync(Eventually.Longest)).ShouldBeEmpty()))
            .Message.ShouldContain("gone");
        // RabbitMQ says that it has deleted a stream before it has: it still confirms for a moment.
        var refusal = await Eventually.Get("the refusal", async () =>
        {
            try
            {
                await publisher.PublishAsync([log.Message(2)], None);
                return null;
            }
            catch (BrokerException error)
            {
                return error;
            }
        });
        refusal.Message.ShouldContain("took a message back");
    }

    [Fact]
    public async Task A_reader_that_the_broker_sends_nothing_any_more_is_given_up()
    {
        await using var transport = Transport();
        await using var publisher = await transport.PublisherAsync(log.Module, None);
        await publisher.PublishAsync(log.Messages(1, 3), None);
        await using var consumer = (RabbitConsumer)await transport.ConsumerAsync(log.Module, -1, None);
        await TestLog.ReadAsync(consumer, 3);
        // As after a start of RabbitMQ that replaces the process from which it read: the link and the stream are there.
        await consumer.StopSendingAsync();
        await publisher.PublishAsync(log.Messages(4, 1), None);
        (await Should.ThrowAsync<BrokerException>(async () => await consumer.NextAsync(None).AsTask().WaitAsync(Eventually.Longest)))
            .Message.ShouldContain("stopped sending");
    }

    /// <summary>With limits that a test can wait for.</summary>
    private RabbitTransport Transport(string user = TestRabbit.Anybody, params (string Key, string? Value)[] more) => new(
        BrokerSettings.Of(TestLog.Settings([("Boon:Broker:Url", Rabbit.Url(user)), ("Boon:Broker:Password", TestRabbit.Password),
            ($"Boon:Broker:Publishers:{log.Module}", TestRabbit.Anybody), .. more]))!
            with { AnswerLimit = TimeSpan.FromSeconds(10), ConfirmLimit = TimeSpan.FromSeconds(10), Heartbeat = TimeSpan.FromSeconds(2) });

    private static async Task DrainAsync(LogConsumer consumer)
    {
        while (true)
            await consumer.NextAsync(None);
    }

    private async Task RefusesAsync(string user, string exchange, string key, string claimed) =>
        await Should.ThrowAsync<RabbitMQ.Client.Exceptions.OperationInterruptedException>(() => PublishAsync(user, exchange, key, claimed));

    private async Task PublishAsync(string user, string exchange, string key, string? claimed)
    {
        await using var connection = await ConnectAsync(user);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await channel.BasicPublishAsync(exchange, key, mandatory: true, new BasicProperties { UserId = claimed }, new byte[4]);
    }

    private Task<IConnection> ConnectAsync(string user) => new ConnectionFactory
        { Uri = new Uri(Rabbit.Url(user)), Password = TestRabbit.Password, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();

    /// <summary>Started once for these tests, which run one after the other.</summary>
    public sealed class OwnRabbit : IAsyncLifetime
    {
        public TestRabbit Rabbit { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Rabbit = await TestRabbit.OwnAsync("identity", "orders");

        public ValueTask DisposeAsync() => Rabbit is null ? default : Rabbit.DisposeAsync(); // it may not have started
    }
}
