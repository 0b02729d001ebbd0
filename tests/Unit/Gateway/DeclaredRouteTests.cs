using Boon.Host;
using Boon.Platform.Hosting;

namespace Boon.Unit.Gateway;

/// <summary>What the gateway knows of routes is what their endpoints declare; nothing of a module runs for it.</summary>
public sealed class DeclaredRouteTests
{
    private static readonly IReadOnlyList<DeclaredRoute> Routes =
        [.. BoonHost.AllModules.SelectMany(DeclaredRoute.Of), .. DeclaredRoute.HostWide()];

    [Fact]
    public void Every_module_declares_its_routes()
    {
        Routes.Select(route => $"{route.Method} {route.Path}").ShouldBeUnique();
        foreach (var module in BoonHost.AllModules)
            Routes.ShouldContain(route => route.Module == module.Name, module.Name);
        Of("GET", "/health/ready").Module.ShouldBeNull();
        Of("GET", "/v1/logs/{module}").Module.ShouldBeNull();
        Of("POST", "/v1/orders").Module.ShouldBe("orders");
    }

    [Fact]
    public void A_route_says_whether_it_honours_a_key()
    {
        Routes.Where(route => route.Keyed).Select(route => $"{route.Method} {route.Path}").ShouldBe(
            [
                "POST /v1/users", "POST /v1/campaigns", "POST /v1/coupons", "POST /v1/claims", "POST /v1/redemptions",
                "POST /v1/rewards", "POST /v1/quests", "POST /v1/quests/{id}/claims", "POST /v1/orders", "POST /v1/events",
            ], ignoreOrder: true);
    }

    [Fact]
    public void A_route_says_who_may_call_and_how_large_its_body_may_be()
    {
        Of("POST", "/v1/sessions").NeedsCredential.ShouldBeFalse();
        Of("GET", "/v1/users/me").NeedsCredential.ShouldBeTrue();
        Of("POST", "/v1/events").NeedsCredential.ShouldBeTrue();
        Of("POST", "/v1/orders").LargestBody.ShouldBeNull("as every call");
        Routes.Where(route => !route.NeedsCredential && route.Method is not ("GET" or "DELETE"))
            .ShouldAllBe(route => route.LargestBody == 16 * 1024, "strangers send little");
        Of("POST", "/v1/coupons").LargestBody.ShouldBe(32 * 1024 * 1024);
        Of("POST", "/v1/events").LargestBody.ShouldBe(8 * 1024 * 1024);
    }

    private static DeclaredRoute Of(string method, string path) => Routes.Single(route => route.Method == method && route.Path == path);
}
