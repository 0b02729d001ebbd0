using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Boon.Broker.PrivateRabbit;

/// <summary>The ports of a private RabbitMQ, all on 127.0.0.1.</summary>
/// <param name="Amqp">For clients.</param>
/// <param name="Distribution">For Erlang's own connections between servers and tools.</param>
/// <param name="Mapper">
/// For the port mapper (epmd) that Erlang starts beside the server: each server has its own, so none meets another.
/// </param>
internal sealed record RabbitPorts(int Amqp, int Distribution, int Mapper)
{
    private const string FileName = "ports";
    private static readonly TimeSpan MapperLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly byte[] EndMapper = [0, 1, (byte)'k']; // two bytes of length, KILL_REQ

    internal static RabbitPorts None { get; } = new(0, 0, 0);

    /// <summary>Those of last time.</summary>
    internal static RabbitPorts Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        var ports = File.Exists(file) ? File.ReadAllText(file).Split(' ') : [];
        return ports.Length == 3 && Array.TrueForAll(ports, port => int.TryParse(port, CultureInfo.InvariantCulture, out _))
            ? new RabbitPorts(Number(0), Number(1), Number(2)) : None;

        int Number(int i) => int.Parse(ports[i], CultureInfo.InvariantCulture);
    }

    /// <summary>Those of last time if they are free, else others; they are kept for the next time.</summary>
    /// <param name="folder">Where they are kept.</param>
    /// <param name="amqp">The port for clients; 0: any.</param>
    /// <param name="ct">Cancels the write.</param>
    internal static async Task<RabbitPorts> ChooseAsync(string folder, int amqp, CancellationToken ct)
    {
        var last = Read(folder);
        var chosen = last != None && (amqp == 0 || amqp == last.Amqp) && TryOpen(last) is { } same ? same
            : TryOpen(None with { Amqp = amqp }) ?? throw new SetupException(amqp == 0 ? "No port of this machine is free."
                : $"RabbitMQ cannot listen at 127.0.0.1:{amqp}: another program does.");
        await File.WriteAllTextAsync(Path.Combine(folder, FileName), string.Create(CultureInfo.InvariantCulture,
            $"{chosen.Amqp} {chosen.Distribution} {chosen.Mapper}"), ct);
        return chosen;
    }

    /// <summary>
    /// Ends the port mapper, which would stay for ever. It refuses for as long as it has not noticed that its server has gone.
    /// </summary>
    internal async Task EndMapperAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(MapperLimit);
        try
        {
            while (Mapper != 0)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Mapper, limit.Token);
                await client.GetStream().WriteAsync(EndMapper, limit.Token);
                while (await client.GetStream().ReadAsync(new byte[16], limit.Token) > 0)
                {
                    // "OK" or "NO", and the end
                }
                await Task.Delay(Poll, limit.Token);
            }
        }
        catch (Exception error) when (error is SocketException or IOException
            || (error is OperationCanceledException && !ct.IsCancellationRequested))
        {
            // It has gone; or the port is another program's.
        }
    }

    /// <summary>All three at once, so that they differ.</summary>
    private static RabbitPorts? TryOpen(RabbitPorts wanted)
    {
        using var amqp = new TcpListener(IPAddress.Loopback, wanted.Amqp);
        using var distribution = new TcpListener(IPAddress.Loopback, wanted.Distribution);
        using var mapper = new TcpListener(IPAddress.Loopback, wanted.Mapper);
        try
        {
            amqp.Start();
            distribution.Start();
            mapper.Start();
        }
        catch (SocketException)
        {
            return null;
        }
        return new RabbitPorts(Port(amqp), Port(distribution), Port(mapper));

        static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
