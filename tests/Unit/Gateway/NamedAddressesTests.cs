using System.Net;
using System.Net.Sockets;
using Boon.Gateway.Routing;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Boon.Unit.Gateway;

public sealed class NamedAddressesTests
{
    private readonly Dictionary<string, string[]> zone = new(StringComparer.Ordinal);
    private int lookUps;

    [Fact]
    public async Task Each_address_of_a_name_is_a_backend_that_is_called_by_the_name()
    {
        zone["boon.example"] = ["10.0.0.5", "2001:db8::5"];
        using var names = new NamedAddresses(Answer, TimeProvider.System);
        var found = (await ResolveAsync(names, "https://boon.example:8443/")).Destinations;
        found.Select(one => (one.Key, one.Value.Address, one.Value.Health, one.Value.Host)).ShouldBe(
        [
            ("https://boon.example:8443/ [10.0.0.5]", "https://10.0.0.5:8443/", "https://10.0.0.5:9090/", "boon.example:8443"),
            ("https://boon.example:8443/ [2001:db8::5]", "https://[2001:db8::5]:8443/", "https://[2001:db8::5]:9090/", "boon.example:8443"),
        ]);
    }

    [Fact]
    public async Task An_address_that_changes_is_found_at_the_next_look()
    {
        zone["boon.example"] = ["10.0.0.5"];
        using var names = new NamedAddresses(Answer, TimeProvider.System);
        var first = await ResolveAsync(names, "http://boon.example/");
        var other = await ResolveAsync(names, "http://boon.example/");
        first.ChangeToken!.HasChanged.ShouldBeFalse();

        zone["boon.example"] = ["10.0.0.6", "10.0.0.7"];
        names.LookAgain();
        first.ChangeToken.HasChanged.ShouldBeTrue();
        other.ChangeToken!.HasChanged.ShouldBeTrue("whoever resolved before looks again, not only who did so last");
        var next = await ResolveAsync(names, "http://boon.example/");
        next.Destinations.Values.Select(one => one.Address).ShouldBe(["http://10.0.0.6/", "http://10.0.0.7/"]);
        next.ChangeToken!.HasChanged.ShouldBeFalse();
    }

    [Fact]
    public async Task While_the_DNS_fails_what_it_said_last_counts()
    {
        using var names = new NamedAddresses(Answer, TimeProvider.System);
        (await ResolveAsync(names, "http://boon.example/")).Destinations.Values.Single().Address
            .ShouldBe("http://boon.example/", "never found: stays a name");
        zone["boon.example"] = ["10.0.0.5"];
        (await ResolveAsync(names, "http://boon.example/")).Destinations.Values.Single().Address.ShouldBe("http://10.0.0.5/");
        zone.Clear();
        (await ResolveAsync(names, "http://boon.example/")).Destinations.Values.Single().Address.ShouldBe("http://10.0.0.5/");
        zone["boon.example"] = [];
        (await ResolveAsync(names, "http://boon.example/")).Destinations.Values.Single().Address.ShouldBe("http://10.0.0.5/");
    }

    [Fact]
    public async Task A_DNS_that_never_answers_holds_nobody_up()
    {
        zone["boon.example"] = ["10.0.0.5"];
        var silent = false;
        using var names = new NamedAddresses(
            async (name, ct) =>
            {
                if (silent)
                    await Task.Delay(Timeout.Infinite, ct);
                return await Answer(name, ct);
            }, new ImpatientClock());
        await ResolveAsync(names, "http://boon.example/");
        silent = true;
        (await ResolveAsync(names, "http://boon.example/")).Destinations.Values.Single().Address.ShouldBe("http://10.0.0.5/");
    }

    [Fact]
    public async Task Addresses_and_this_machine_are_not_looked_up()
    {
        using var names = new NamedAddresses(Answer, TimeProvider.System);
        foreach (var address in (string[])["http://10.0.0.5:5080/", "http://[::1]:5080/", "http://localhost:5080/"])
        {
            var found = await ResolveAsync(names, address);
            found.Destinations.Values.Single().Address.ShouldBe(address);
            found.ChangeToken.ShouldBeNull();
        }
        lookUps.ShouldBe(0);
    }

    private Task<IPAddress[]> Answer(string name, CancellationToken ct)
    {
        lookUps++;
        return zone.TryGetValue(name, out var addresses)
            ? Task.FromResult(Array.ConvertAll(addresses, IPAddress.Parse))
            : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
    }

    private static ValueTask<ResolvedDestinationCollection> ResolveAsync(NamedAddresses names, string address) =>
        names.ResolveDestinationsAsync(
            new Dictionary<string, DestinationConfig>
            {
                [address] = new() { Address = address, Health = new UriBuilder(address) { Port = 9090 }.Uri.AbsoluteUri },
            }, CancellationToken.None);

    /// <summary>A clock whose limits are over at once.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
