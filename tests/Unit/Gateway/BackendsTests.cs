using Boon.Gateway.Routing;
using Boon.Platform;
using Microsoft.Extensions.Configuration;

namespace Boon.Unit.Gateway;

public sealed class BackendsTests
{
    private static readonly string[] Modules = ["identity", "promotions", "orders"];

    [Fact]
    public void All_modules_at_the_same_addresses_are_one_backend()
    {
        var backends = Of(("Boon:Gateway:Modules", "http://10.0.0.5:5080, http://10.0.0.6:5080"));
        backends.Only.ShouldNotBeNull().Name.ShouldBe("all");
        backends.Only.Modules.ShouldBe(Modules);
        backends.Only.Addresses.Select(Backends.Text).ShouldBe(["http://10.0.0.5:5080", "http://10.0.0.6:5080"]);
        backends.Describe().ShouldBe(["Gateway to all modules at http://10.0.0.5:5080, http://10.0.0.6:5080"]);
    }

    [Fact]
    public void A_module_with_addresses_of_its_own_is_a_backend_of_its_own()
    {
        var backends = Of(("Boon:Gateway:Modules", "http://10.0.0.5:5080"), ("Boon:Gateway:Modules:Orders", "https://orders.example"));
        backends.Only.ShouldBeNull();
        backends.Of("promotions").ShouldBe(backends.Of("identity"));
        backends.Of("orders").Addresses.ShouldBe([new Uri("https://orders.example")]);
        backends.Describe()
            .ShouldBe(["Gateway to identity, promotions at http://10.0.0.5:5080", "Gateway to orders at https://orders.example"]);
    }

    [Fact]
    public void The_same_addresses_in_another_order_are_the_same_backend()
    {
        var backends = Of(
            ("Boon:Gateway:Modules:Identity", "http://a:1,http://b:2"), ("Boon:Gateway:Modules:Promotions", "http://b:2,http://a:1"),
            ("Boon:Gateway:Modules:Orders", "http://B:2/,http://a:1"));
        backends.Only.ShouldNotBeNull();
    }

    [Fact]
    public void A_module_without_an_address_is_named_with_the_setting_that_it_needs()
    {
        var message = Should.Throw<SetupException>(() => Of(("Boon:Gateway:Modules:Identity", "http://10.0.0.5:5080"))).Message;
        message.ShouldContain("promotions, orders");
        message.ShouldContain("Boon__Gateway__Modules__Promotions");
        message.ShouldNotContain("\n");
    }

    [Fact]
    public void An_address_of_no_module_is_refused() => Should.Throw<SetupException>(
        () => Of(("Boon:Gateway:Modules", "http://10.0.0.5:5080"), ("Boon:Gateway:Modules:Order", "http://10.0.0.6:5080")))
        .Message.ShouldContain("no module Order");

    [Theory]
    [InlineData("10.0.0.5:5080")]
    [InlineData("ftp://10.0.0.5")]
    [InlineData("http://10.0.0.5:5080/v1")]
    [InlineData("http://10.0.0.5:5080;http://10.0.0.6:5080")]
    [InlineData("http://10.0.0.5:70000")]
    [InlineData("http://*:5080")]
    [InlineData(",")]
    public void What_is_no_list_of_addresses_is_refused_in_one_line(string text)
    {
        var message = Should.Throw<SetupException>(() => Of(("Boon:Gateway:Modules", text))).Message;
        message.ShouldContain("Boon:Gateway:Modules");
        message.ShouldNotContain("\n");
    }

    private static Backends Of(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value)).Build();
        SettingsCheck.Run(configuration, Modules);
        return Backends.Of(configuration, Modules);
    }
}
