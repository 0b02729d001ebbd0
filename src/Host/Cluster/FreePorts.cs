using System.Net;
using System.Net.Sockets;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>
/// Ports of this machine that nobody listens on, below those that the system gives to connections: a port whose process is dead for a
/// moment is not taken by one of them.
/// </summary>
internal sealed class FreePorts
{
    private const int First = 10_000;
    private const int Last = 32_000;
    private readonly HashSet<int> given = [];
    private int next;

    /// <param name="after">The port after which to look first; 0: anywhere.</param>
    internal FreePorts(int after) => next = after is > 0 and < Last ? after + 1 : Random.Shared.Next(First, Last);

    /// <summary>This port is another process's of the same cluster.</summary>
    internal void Keep(int port) => given.Add(port);

    /// <summary>A free one.</summary>
    internal int Take()
    {
        for (var tried = 0; tried < Last; tried++)
        {
            var port = next;
            next = port >= Last ? First : port + 1;
            if (!given.Contains(port) && IsFree(IPAddress.Loopback, port) && given.Add(port))
                return port;
        }
        throw new SetupException("No port of this machine is free.");
    }

    /// <summary>True when a listener could be there.</summary>
    internal static bool IsFree(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
