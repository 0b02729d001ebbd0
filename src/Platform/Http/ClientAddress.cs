using System.Net;
using System.Net.Sockets;

namespace Boon.Platform.Http;

/// <summary>What limits count by where a caller shows no credential.</summary>
public static class ClientAddress
{
    /// <summary>What stands for an address, as text: of IPv6 its network of 64 bits, which one customer of a provider has.</summary>
    public static string NetworkOf(IPAddress? address)
    {
        address ??= IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
