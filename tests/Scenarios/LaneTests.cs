using Boon.Identity;
using Boon.Platform;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Promotions;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Boon.Scenarios;

/// <summary>A subscription of several lanes, and the change of their number while events flow.</summary>
public sealed class LaneTests
{
    private const string Name = "test.lanes";

    [Fact]
    public async Task Each_event_is_handled_once_and_a_users_in_order_whatever_the_lanes()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint primary key)");
        var users = Enumerable.Range(0, 40).Select(_ => Guid.CreateVersion7()).ToList();
        async Task Send(int rounds)
        {
            for (var i = 0; i < rounds; i++)
                foreach (var user in users)
                    await boon.Append("test.laned", user, "{}");
        }

        var appended = 0;
        foreach (var lanes in (int[])[1, 4, 3])
        {
            var sending = Send(5);
            using var runner = Runner(boon, lanes);
            await runner.StartAsync(CancellationToken.None);
            await sending;
            appended += 5 * users.Count;
            await Eventually.Holds($"all events with {lanes} lanes", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == appended);
            await Eventually.Holds($"{lanes} lanes", async () => await boon.Scalar<long>(
                "select count(*) from promotions.checkpoints where subscription = $1 and lanes = $2", Name, lanes) == lanes);
            await runner.StopAsync(CancellationToken.None);
            await Send(1); // lanes stand at different places when the number changes
            appended += users.Count;
        }
        (await boon.Scalar<long>("""
            select count(*) from (select sequence < lag(sequence) over (partition by user_id order by place) as back from promotions.lane_probe) p where back
            """)).ShouldBe(0);
    }

    private static SubscriptionRunner<PromotionsDb> Runner(TestBoon boon, int lanes)
    {
        var services = boon.Services;
        var subscription = new Subscription<PromotionsDb>(Name, ["identity"], async (events, unit, ct) =>
        {
            foreach (var e in events.Where(e => e.Type == "test.laned"))
            {
                await using var insert = unit.Command("insert into promotions.lane_probe (user_id, sequence) values ($1, $2)", e.UserId!.Value, e.Sequence);
                await insert.ExecuteNonQueryAsync(ct);
            }
        }, SingleLane: false);
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            [$"Boon:Subscriptions:{Name}:Lanes"] = lanes.ToString(),
            [$"Boon:Subscriptions:{Name}:BatchSize"] = "7",
        }).Build();
        return new SubscriptionRunner<PromotionsDb>(subscription, services.GetRequiredService<ModuleDatabase<PromotionsDb>>(), services.GetRequiredService<Databases>(),
            services.GetRequiredService<LogSignals>(), settings, services.GetRequiredService<ILoggerFactory>());
    }
}
