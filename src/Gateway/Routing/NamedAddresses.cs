using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Boon.Gateway.Routing;

/// <summary>
/// Makes a backend of each address that a name has in the DNS, and looks again every few seconds. While the DNS does not answer, what it
/// said last counts; a name that was never found stays a name, so that requests say what is wrong.
/// </summary>
internal sealed class NamedAddresses : IDestinationResolver, IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, IPAddress[]> known = new(StringComparer.OrdinalIgnoreCase);
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> dns;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private CancellationTokenSource old = new();

    /// <summary>Asks <paramref name="dns"/> for the addresses of a name.</summary>
    internal NamedAddresses(Func<string, CancellationToken, Task<IPAddress[]>> dns, TimeProvider time)
    {
        (this.dns, this.time) = (dns, time);
        timer = time.CreateTimer(_ => LookAgain(), null, LookInterval, LookInterval);
    }

    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var change = NextLook();
        var found = new Dictionary<string, DestinationConfig>(StringComparer.Ordinal);
        var named = false;
        foreach (var (id, destination) in destinations)
        {
            var address = new Uri(destination.Address);
            if (address.HostNameType != UriHostNameType.Dns || address.IsLoopback)
            {
                found[id] = destination;
                continue;
            }
            named = true;
            var addresses = await LookUpAsync(address.DnsSafeHost, cancellationToken);
            if (addresses.Length == 0)
                found[id] = destination;
            foreach (var one in addresses)
                found[$"{id} [{one}]"] = destination with
                {
                    Address = At(address, one),
                    Health = destination.Health is { } health ? At(new(health), one) : null,
                    Host = address.Authority,
                };
        }
        return new ResolvedDestinationCollection(found, named ? change : null);
    }

    /// <summary>Has whoever resolved names do it again.</summary>
    internal void LookAgain()
    {
        CancellationTokenSource before;
        lock (gate)
            (before, old) = (old, new());
        using (before)
            before.Cancel();
    }

    private CancellationChangeToken NextLook()
    {
        lock (gate)
            return new CancellationChangeToken(old.Token);
    }

    private async Task<IPAddress[]> LookUpAsync(string name, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(LongestLook, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            if (await dns(name, both.Token) is { Length: > 0 } addresses)
                return known[name] = addresses;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            // What was known stays known.
        }
        return known.GetValueOrDefault(name, []);
    }

    private static string At(Uri named, IPAddress address) => new UriBuilder(named) { Host = address.ToString() }.Uri.AbsoluteUri;

    public void Dispose()
    {
        timer.Dispose();
        old.Dispose();
    }
}
