using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Promotions;
using Boon.Promotions.Pool;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Boon.Scenarios;

public sealed class CouponPurgeTests
{
    /// <summary>A clock whose hours pass when the test says so, and whose timers are in a hurry.</summary>
    private sealed class TestClock : TimeProvider
    {
        private long passed;

        internal void Pass(TimeSpan time) => Interlocked.Add(ref passed, (long)(time.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref passed);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20));
    }

    [Fact]
    public async Task A_purge_that_failed_comes_again_soon_and_not_after_an_hour()
    {
        await using var boon = await TestBoon.StartModulesAsync(["identity", "promotions"]);
        await boon.Api.Put("/v1/coupon-types/OLD", new { perUser = 1 }, await boon.OperatorToken());
        (await boon.Api.Post("/v1/coupons", new
        {
            coupons = new[]
            {
                new { code = "OLD-1", type = "OLD", discount = new { kind = "percent", value = 1 }, expiresAt = "2090-01-01T00:00:00Z" },
            },
        }, await boon.OperatorToken())).Code.ShouldBe(201);
        await boon.Execute("update promotions.codes set expires_at = now() - interval '1 day'");
        var clock = new TestClock();
        using var said = new LaneChangeTests.Said();
        using var purge = new CouponPurge(
            boon.Services.GetRequiredService<ModuleDatabase<PromotionsDb>>(), boon.Services.GetRequiredService<LogSignals>(),
            new ConfigurationBuilder().Build(), clock, new Logger<CouponPurge>(said));
        await boon.Execute("alter table promotions.coupon_types rename to coupon_types_away");
        await purge.StartAsync(CancellationToken.None);
        await Eventually.Holds("a purge that fails", () =>
        {
            clock.Pass(TimeSpan.FromHours(1.5));
            return Task.FromResult(said.Errors.Any(line => line.Contains("coupon_types", StringComparison.Ordinal)));
        });
        await boon.Execute("alter table promotions.coupon_types_away rename to coupon_types");
        await Eventually.Holds(
            "the purge", () => boon.Scalar<bool>("select bool_and(purged_at is not null) from promotions.codes"));
        await purge.StopAsync(CancellationToken.None);
    }
}
