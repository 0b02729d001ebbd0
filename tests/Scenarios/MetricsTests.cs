using Boon.Support;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>What a host counts; alone, because what is counted is the whole process's.</summary>
[Collection("Defences")]
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_tell_what_happened_by_names_of_ours_and_can_have_an_address_of_their_own()
    {
        await using var apart = await TestBoon.StartAsync(("Boon:Management:Urls", "http://127.0.0.1:0"));
        using var management =
            new Api(apart.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last());
        foreach (var path in (string[])["/metrics", "/health/live", "/health/ready"])
        {
            (await apart.Api.Get(path)).Code.ShouldBe(404, path);
            (await management.Get(path)).Code.ShouldBe(200, path);
        }
        (await management.Get("/v1/users/me", await apart.OperatorToken())).Code.ShouldBe(404);

        await apart.CreateCampaign(new { limit = 1 });
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var (_, username, password) = await apart.Register();
            await apart.Api.SignIn(username, password);
        }
        (await apart.Api.Post("/v1/sessions", new { identifier = "operator", password = "not the right one" })).Code.ShouldBe(401);
        var metrics = "";
        // What was committed is counted a moment later.
        await Eventually.Holds("the counts", async () =>
        {
            metrics = (await management.Get("/metrics")).Text;
            return ((string[])["boon_events_appended_total{module=\"promotions\",type=\"promotions.voucher-issued.v1\"}",
                "boon_refusals_total{reason=\"budget-exhausted\"", "boon_sign_ins_failed_total "])
                .All(count => metrics.Contains(count, StringComparison.Ordinal));
        });
        foreach (var line in (string[])[
            "boon_events_appended_total{module=\"promotions\",type=\"promotions.voucher-issued.v1\"} 1\n",
            "boon_refusals_total{reason=\"budget-exhausted\",type=\"promotions.voucher-refused.v1\"} ",
            "boon_sign_ins_failed_total ", "boon_build_info{version=\"", "# TYPE boon_subscription_lag_events gauge\n",
            "boon_batch_events_bucket{subscription=\"promotions.issue-vouchers\",le=\"3\"}",
            "dotnet_gc_collections_total", "_bytes"])
            metrics.ShouldContain(line);
        metrics.ShouldNotContain("otel_scope");
    }
}
