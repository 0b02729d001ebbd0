using System.Text;
using Boon.Broker.PrivateRabbit;
using Boon.Broker.Transport;
using Boon.Platform;
using Boon.Platform.Log;
using RabbitMQ.Client;

namespace Boon.Bench;

/// <summary>
/// A log on a RabbitMQ stream: events a second published with confirms, and read. The limit is the bare client with messages of the same
/// size and no headers, through the same window.
/// </summary>
internal static class BrokerBench
{
    private const int Events = 20_000;
    private const int DataBytes = 400;
    private const int Runs = 5;
    private const int Window = 1_000;
    private const string User = "bench";

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"boon-bench-{Environment.ProcessId}");
        var rabbit = await PrivateRabbit.StartAsync(new(folder, [RabbitUser.OfOperator(User, User)]), Console.WriteLine, ct);
        try
        {
            BrokerAddress.TryRead(rabbit.Url(User), out var address);
            return await MeasureAsync(new BrokerSettings(address!, User, TimeSpan.FromDays(1), _ => User), ct);
        }
        finally
        {
            await rabbit.StopAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Figures> MeasureAsync(BrokerSettings settings, CancellationToken ct)
    {
        var (bareIn, bareOut, published, read) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await using var transport = new RabbitTransport(settings);
        for (var run = -1; run < Runs; run++) // the first warms up
        {
            double[] rates = [.. await BareAsync(settings, $"bare{run}", ct), .. await OursAsync(transport, $"log{run}", ct)];
            if (run < 0)
                continue;
            bareIn.Add(rates[0]);
            bareOut.Add(rates[1]);
            published.Add(rates[2]);
            read.Add(rates[3]);
        }
        return new Figures($"broker: {Events:N0} events with {DataBytes} bytes of data, one stream, medians of {Runs} runs; "
            + "the limit is the bare client with bodies of that size and no headers")
            .Add("published and confirmed", Rate(published), Rate(bareIn), Figures.Ratio(published, bareIn))
            .Add("read from the first", Rate(read), Rate(bareOut), Figures.Ratio(read, bareOut));
    }

    private static string Rate(List<double> rates) => Figures.Rate(Figures.Median(rates));

    private static async Task<double[]> OursAsync(LogTransport transport, string module, CancellationToken ct)
    {
        var (stream, log) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var data = Encoding.UTF8.GetBytes($"\"{new string('x', DataBytes - 2)}\"");
        var time = new DateTime(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);
        LogMessage[] messages = [.. Enumerable.Range(1, Events).Select(i => new LogMessage(stream, log, i, Events, new LoggedEvent(
            module, i, Guid.CreateVersion7(), "external.thing-done.v1", "thing", "1", Guid.CreateVersion7(), data, time, time, null, null,
            "api-key:1")))];
        await using var publisher = await transport.PublisherAsync(module, ct);
        var began = Stopwatch.GetTimestamp();
        await publisher.PublishAsync(messages, ct);
        var published = Events / Stopwatch.GetElapsedTime(began).TotalSeconds;
        await using var consumer = await transport.ConsumerAsync(module, -1, ct);
        began = Stopwatch.GetTimestamp();
        for (var count = 0; count < Events;)
            count += (await consumer.NextAsync(ct)).Count;
        return [published, Events / Stopwatch.GetElapsedTime(began).TotalSeconds];
    }

    private static async Task<double[]> BareAsync(BrokerSettings settings, string stream, CancellationToken ct)
    {
        var (host, port) = settings.Address.Hosts[0];
        var factory = new ConnectionFactory { HostName = host, Port = port, UserName = User, Password = User };
        await using var connection = await factory.CreateConnectionAsync(ct);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, false), ct);
        await channel.QueueDeclareAsync(stream, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "stream" }, cancellationToken: ct);
        var (confirmed, all) = (0UL, new TaskCompletionSource());
        using var places = new SemaphoreSlim(Window);
        channel.BasicAcksAsync += (_, ack) =>
        {
            // All at or below it: the broker confirms a stream in order.
            places.Release((int)(ack.DeliveryTag - confirmed));
            if ((confirmed = ack.DeliveryTag) == Events)
                all.TrySetResult();
            return Task.CompletedTask;
        };
        var (body, began) = (new byte[DataBytes], Stopwatch.GetTimestamp());
        for (var i = 0; i < Events; i++)
        {
            await places.WaitAsync(ct);
            await channel.BasicPublishAsync("", stream, mandatory: false, body, ct);
        }
        await all.Task.WaitAsync(ct);
        var published = Events / Stopwatch.GetElapsedTime(began).TotalSeconds;
        var (count, read) = (0, new TaskCompletionSource());
        var consumer = new RabbitMQ.Client.Events.AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, message) =>
        {
            if (++count % (Window / 2) == 0)
                await channel.BasicAckAsync(message.DeliveryTag, multiple: true, ct);
            if (count == Events)
                read.TrySetResult();
        };
        await channel.BasicQosAsync(0, Window, global: false, ct);
        began = Stopwatch.GetTimestamp();
        await channel.BasicConsumeAsync(stream, autoAck: false, "", noLocal: false, exclusive: false,
            new Dictionary<string, object?> { ["x-stream-offset"] = "first" }, consumer, ct);
        await read.Task.WaitAsync(ct);
        return [published, Events / Stopwatch.GetElapsedTime(began).TotalSeconds];
    }
}
