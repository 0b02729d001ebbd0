using Boon.Broker.Transport;
using Boon.Support;

namespace Boon.Scenarios.Brokers;

/// <summary>
/// Logs on Kafka: librdkafka's mock in another process, or the one of <c>BOON_TEST_BROKER</c> (<c>kafka://host:9092</c>; topics can be
/// made).
/// </summary>
public sealed class KafkaTransportTests(KafkaTransportTests.Mock mock) : LogTransportTests, IClassFixture<KafkaTransportTests.Mock>
{
    private static readonly string? Given = Environment.GetEnvironmentVariable("BOON_TEST_BROKER");

    /// <summary>The mock keeps 5 MB of a topic.</summary>
    protected override int Many => Given is { Length: > 0 } ? 10_000 : 4_000;

    protected override async Task<LogTransport> TransportAsync()
    {
        Assert.SkipWhen(Given?.StartsWith("amqp", StringComparison.Ordinal) == true, "BOON_TEST_BROKER is a RabbitMQ.");
        if (Given is { Length: > 0 })
        {
            var transport = TestLog.Transport(("Boon:Broker:Url", Given));
            await transport.CreateAsync(Log.Module, None);
            return transport;
        }
        await mock.Kafka.TopicAsync($"boon.{Log.Module}");
        return TestLog.Transport(("Boon:Broker:Url", mock.Kafka.Url));
    }

    [Fact]
    public async Task A_topic_with_two_partitions_is_refused()
    {
        Assert.SkipWhen(Given is { Length: > 0 }, "Only the mock makes such a topic.");
        await mock.Kafka.TopicAsync("boon.two", partitions: 2);
        await using var transport = TestLog.Transport(("Boon:Broker:Url", mock.Kafka.Url));
        (await Should.ThrowAsync<BrokerException>(() => transport.PublisherAsync("two", None))).Message.ShouldContain("2 partitions");
        await Should.ThrowAsync<BrokerException>(() => transport.ConsumerAsync("two", -1, None));
    }

    [Fact]
    public async Task A_publisher_needs_a_topic()
    {
        await using var transport = await TransportAsync();
        (await Should.ThrowAsync<BrokerException>(() => transport.PublisherAsync("missing", None))).Message
            .ShouldContain("boon ship --create-topics");
    }

    [Fact]
    public async Task A_broker_that_goes_while_somebody_publishes_keeps_what_it_confirmed()
    {
        Assert.SkipWhen(Given is { Length: > 0 }, "A broker that others use is not stopped.");
        await using var kafka = await TestKafka.StartAsync();
        await kafka.TopicAsync($"boon.{Log.Module}");
        await using var transport = TestLog.Transport(("Boon:Broker:Url", kafka.Url));
        var publisher = await transport.PublisherAsync(Log.Module, None);
        var first = new TaskCompletionSource();
        var publishing = Log.PublishUntilLostAsync(publisher, first);
        await first.Task.WaitAsync(Eventually.Longest);
        await kafka.DownAsync();
        var confirmed = await publishing.WaitAsync(Eventually.Longest);
        await publisher.DisposeAsync();
        await kafka.UpAsync();

        var kept = await Log.ReadAllAsync(transport);
        kept.Count.ShouldBeGreaterThanOrEqualTo((int)confirmed);
        kept.Select(one => one.Message!.Event!.Sequence).ShouldBe(Enumerable.Range(1, kept.Count).Select(i => (long)i));
    }

    [Fact]
    public async Task A_broker_that_freezes_is_given_up_in_bounded_time_by_all()
    {
        Assert.SkipWhen(Given is { Length: > 0 }, "A broker that others use is not frozen.");
        await using var kafka = await TestKafka.StartAsync();
        await kafka.TopicAsync($"boon.{Log.Module}");
        await using var transport = new KafkaTransport(BrokerSettings.Of(TestLog.Settings(("Boon:Broker:Url", kafka.Url)))!
            with { AnswerLimit = TimeSpan.FromSeconds(5), ConfirmLimit = TimeSpan.FromSeconds(5) },
            Microsoft.Extensions.Logging.Abstractions.NullLogger<KafkaTransport>.Instance);
        var publisher = await transport.PublisherAsync(Log.Module, None);
        await publisher.PublishAsync([Log.Message(1)], None);
        kafka.Freeze();
        await Should.ThrowAsync<BrokerException>(() => publisher.PublishAsync(Log.Messages(2, 2_000), None).WaitAsync(Eventually.Longest));
        await Should.ThrowAsync<BrokerException>(() => transport.EndAsync(Log.Module, None).WaitAsync(Eventually.Longest));
        await Should.ThrowAsync<BrokerException>(() => transport.ConsumerAsync(Log.Module, 0, None).WaitAsync(Eventually.Longest));
        await publisher.DisposeAsync().AsTask().WaitAsync(Eventually.Longest);
        kafka.Thaw();
    }

    /// <summary>Started once for these tests.</summary>
    public sealed class Mock : IAsyncLifetime
    {
        public TestKafka Kafka { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Kafka = await TestKafka.StartAsync();

        public ValueTask DisposeAsync() => Kafka.DisposeAsync();
    }
}
