using Boon.Broker.PrivateRabbit;
using Boon.Platform;
using Boon.Support;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Boon.Scenarios.Brokers;

/// <summary>A RabbitMQ without a service manager: started, adopted, changed, killed, stopped.</summary>
public sealed class PrivateRabbitTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task It_is_adopted_while_it_runs_started_anew_for_other_users_or_after_a_kill_and_stops_with_its_port_mapper()
    {
        var folder = Path.Combine(Checkout.Root, "artifacts", "tests", "rabbit-private");
        await PrivateRabbit.StopAsync(folder, None);
        try
        {
            var first = await StartAsync("one");
            var process = first.ProcessId;
            (await StartAsync("one")).ProcessId.ShouldBe(process);
            // RabbitMQ's own first user, whose password everybody knows, is not there.
            var guest = new ConnectionFactory { HostName = "127.0.0.1", Port = first.Port, AutomaticRecoveryEnabled = false };
            await Should.ThrowAsync<BrokerUnreachableException>(() => guest.CreateConnectionAsync());

            var second = await StartAsync("two");
            second.ProcessId.ShouldNotBe(process);
            RabbitProcess.IsAlive(process).ShouldBeFalse();
            second.Port.ShouldBe(first.Port);

            RabbitProcess.Kill(second.ProcessId);
            var third = await StartAsync("two");
            third.Port.ShouldBe(first.Port);

            process = third.ProcessId;
            var mapper = RabbitPorts.Read(folder).Mapper;
            await PrivateRabbit.StopAsync(folder, None);
            RabbitProcess.IsAlive(process).ShouldBeFalse();
            using var free = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, mapper);
            free.Start();
            await PrivateRabbit.StopAsync(folder, None);
        }
        finally
        {
            await PrivateRabbit.StopAsync(folder, None);
            Directory.Delete(folder, recursive: true);
        }

        Task<PrivateRabbit> StartAsync(string user) =>
            PrivateRabbit.StartAsync(new(folder, [RabbitUser.OfOperator(user, TestRabbit.Password)]), _ => { }, None);
    }

    [Fact]
    public async Task Without_programs_a_start_says_what_to_do()
    {
        var options = new PrivateRabbitOptions(Path.GetTempPath(), []) { BinariesDirectory = "/nowhere" };
        (await Should.ThrowAsync<SetupException>(() => PrivateRabbit.StartAsync(options, _ => { }, None)))
            .Message.ShouldContain("apt-get install rabbitmq-server");
    }
}
