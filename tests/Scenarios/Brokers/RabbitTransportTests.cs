using Boon.Broker.Transport;
using Boon.Support;

namespace Boon.Scenarios.Brokers;

/// <summary>
/// Logs on RabbitMQ: the one that the tests share, or the one of <c>BOON_TEST_BROKER</c> (<c>amqp://user:password@host</c>; the user may
/// do everything).
/// </summary>
public sealed class RabbitTransportTests : LogTransportTests
{
    private static readonly string? Given = Environment.GetEnvironmentVariable("BOON_TEST_BROKER");

    protected override async Task<LogTransport> TransportAsync()
    {
        Assert.SkipWhen(Given?.StartsWith("kafka", StringComparison.Ordinal) == true, "BOON_TEST_BROKER is a Kafka.");
        return Given is { Length: > 0 } ? TestLog.Transport(
                ("Boon:Broker:Url", Given), ($"Boon:Broker:Publishers:{Log.Module}", UserOf(Given)))
            : TestLog.Transport(("Boon:Broker:Url", (await TestRabbit.SharedAsync()).Url()), ("Boon:Broker:Password", TestRabbit.Password),
                ($"Boon:Broker:Publishers:{Log.Module}", TestRabbit.Anybody));
    }

    [Fact]
    public async Task The_publisher_is_the_user_whom_the_broker_knows()
    {
        await using var transport = await TransportAsync();
        await using var publisher = await transport.PublisherAsync(Log.Module, None);
        await publisher.PublishAsync([Log.Message(1)], None);
        await using var consumer = await transport.ConsumerAsync(Log.Module, -1, None);
        (await TestLog.ReadAsync(consumer, 1))[0].Publisher.ShouldBe(Given is null ? TestRabbit.Anybody : UserOf(Given));
    }

    [Fact]
    public async Task A_slow_reader_has_a_bounded_number_of_messages_in_memory()
    {
        await using var transport = await TransportAsync();
        await using var publisher = await transport.PublisherAsync(Log.Module, None);
        for (var i = 0; i < 10; i++)
            await publisher.PublishAsync(Log.Messages((i * 2_000) + 1, 2_000, size: 400), None);

        await using var consumer = (RabbitConsumer)await transport.ConsumerAsync(Log.Module, -1, None);
        await Eventually.Holds("the credit is used up", () => Task.FromResult(consumer.Waiting >= RabbitConsumer.Credit));
        // A question that is answered comes after what the broker had sent.
        await transport.EndAsync(Log.Module, None);
        consumer.Waiting.ShouldBeLessThan(20 * RabbitConsumer.Credit);
        (await TestLog.ReadAsync(consumer, 20_000)).Select(one => one.Offset).ShouldBe(Enumerable.Range(0, 20_000).Select(i => (long)i));
    }

    [Fact]
    public async Task A_wrong_password_is_said_and_not_shown()
    {
        var url = Given ?? (await TestRabbit.SharedAsync()).Url();
        await using var transport = TestLog.Transport(
            ("Boon:Broker:Url", $"amqp://nobody@{url[(url.LastIndexOf('@') + 1)..]}"), ("Boon:Broker:Password", "secret"));
        (await Should.ThrowAsync<BrokerException>(() => transport.EndAsync(Log.Module, None))).ToString().ShouldNotContain("secret");
    }

    private static string UserOf(string url) => url[(url.IndexOf("//", StringComparison.Ordinal) + 2)..url.LastIndexOf('@')].Split(':')[0];
}
