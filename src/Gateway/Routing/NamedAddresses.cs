using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Boon.Gateway.Routing;

/// <summary>
/// Makes a backend of each address that a name has in the DNS, and looks again every few seconds. While the DNS does not answer, what it said last counts; a name that was
/// never found stays a name, so that requests say what is wrong.
/// </summary>
internal sealed class NamedAddresses : IDestinationResolver, IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, IPAddress[]> known = new(StringComparer.OrdinalIgnoreCase);
    private CancellationTokenSource? lookAgain;

    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
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
                found[$"{id} [{one}]"] = destination with { Address = At(address, one), Health = destination.Health is { } health ? At(new(health), one) : null, Host = address.Authority };
        }
        return new ResolvedDestinationCollection(found, named ? LookAgain() : null);
    }

    private async Task<IPAddress[]> LookUpAsync(string name, CancellationToken ct)
    {
        try
        {
            if (await Dns.GetHostAddressesAsync(name, ct) is { Length: > 0 } addresses)
                return known[name] = addresses;
        }
        catch (SocketException)
        {
            // What was known stays known.
        }
        return known.GetValueOrDefault(name, []);
    }

    private static string At(Uri named, IPAddress address) => new UriBuilder(named) { Host = address.ToString() }.Uri.AbsoluteUri;

    private CancellationChangeToken LookAgain()
    {
        lookAgain = new CancellationTokenSource(LookInterval);
        return new CancellationChangeToken(lookAgain.Token);
    }

    public void Dispose() => lookAgain?.Dispose();
}
