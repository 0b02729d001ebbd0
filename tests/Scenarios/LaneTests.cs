using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Platform.Units;
using Boon.Promotions;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Boon.Scenarios;

/// <summary>A subscription of several lanes, and the change of their number while events flow.</summary>
public sealed class LaneTests
{
    internal const string Name = "test.lanes";

    [Fact]
    public async Task Each_event_is_handled_once_and_a_users_in_order_whatever_the_lanes()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint "
            + "primary key)");
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
            await Eventually.Holds(
                $"all events with {lanes} lanes", async () =>
                await boon.Scalar<long>("select count(*) from promotions.lane_probe") == appended);
            await Eventually.Holds($"{lanes} lanes", async () => await boon.Scalar<long>(
                "select count(*) from promotions.checkpoints where subscription = $1 and lanes = $2", Name, lanes) == lanes);
            await runner.StopAsync(CancellationToken.None);
            await Send(1); // lanes stand at different places when the number changes
            appended += users.Count;
        }
        (await boon.Scalar<long>("""
            select count(*)
            from (select sequence < lag(sequence) over (partition by user_id order by place) as back from promotions.lane_probe) p
            where back
            """)).ShouldBe(0);
    }

    /// <summary>
    /// What is too much for one transaction (here: more than two events) is tried in halves; without that the lane would stand still for
    /// ever.
    /// </summary>
    [Fact]
    public async Task A_batch_that_takes_too_long_is_made_smaller_until_it_succeeds()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint "
            + "primary key)");
        for (var i = 0; i < 14; i++)
            await boon.Append("test.laned", Guid.CreateVersion7(), "{}");
        using var runner = Runner(boon, lanes: 1, async (events, unit, ct) =>
        {
            if (events.Count > 2)
            {
                await using var slow = unit.Command("set local statement_timeout = 1; select pg_sleep(60)");
                await slow.ExecuteNonQueryAsync(ct);
            }
            return await StoreAsync(events, unit, ct);
        });
        await runner.StartAsync(CancellationToken.None);
        await Eventually.Holds("all events", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == 14);
        await runner.StopAsync(CancellationToken.None);
    }

    /// <summary>
    /// A handler that finds more in its batch than it does at once takes the first events only; the others come with the next batch.
    /// </summary>
    [Fact]
    public async Task A_handler_may_take_a_part_of_its_batch()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Execute("create table promotions.lane_probe (place bigint generated always as identity, user_id uuid, sequence bigint "
            + "primary key)");
        for (var i = 0; i < 20; i++)
            await boon.Append("test.laned", Guid.CreateVersion7(), "{}");
        using var runner = Runner(boon, lanes: 1, async (events, unit, ct) =>
        {
            var most = Math.Min(3, events.Count);
            return (await StoreAsync([.. events.Take(most)], unit, ct)).Taking(most);
        });
        await runner.StartAsync(CancellationToken.None);
        await Eventually.Holds("all events", async () => await boon.Scalar<long>("select count(*) from promotions.lane_probe") == 20);
        await runner.StopAsync(CancellationToken.None);
        (await boon.Scalar<bool>(
            "select array_agg(sequence order by place) = array_agg(sequence order by sequence) from promotions.lane_probe")).ShouldBeTrue();
    }

    internal static async Task<BatchEffect> StoreAsync(IReadOnlyList<LoggedEvent> events, Unit<PromotionsDb> unit, CancellationToken ct)
    {
        foreach (var e in events.Where(e => e.Type == "test.laned"))
        {
            await using var insert = unit.Command(
                "insert into promotions.lane_probe (user_id, sequence) values ($1, $2)", e.UserId!.Value, e.Sequence);
            await insert.ExecuteNonQueryAsync(ct);
        }
        return BatchEffect.Of(events.Any(e => e.Type == "test.laned"));
    }

    internal static SubscriptionRunner<PromotionsDb> Runner(
        TestBoon boon, int lanes, BatchHandler<PromotionsDb>? handler = null, ILoggerFactory? loggers = null)
    {
        var services = boon.Services;
        var subscription = new Subscription<PromotionsDb>(Name, ["identity"], handler ?? StoreAsync, SingleLane: false);
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            [$"Boon:Subscriptions:{Name}:Lanes"] = lanes.ToString(),
            [$"Boon:Subscriptions:{Name}:BatchSize"] = "7",
        }).Build();
        return new SubscriptionRunner<PromotionsDb>(
            subscription, services.GetRequiredService<ModuleDatabase<PromotionsDb>>(), services.GetRequiredService<LogPlaces>(),
            services.GetRequiredService<EventVersions>(), services.GetRequiredService<LogSignals>(), settings,
            loggers ?? services.GetRequiredService<ILoggerFactory>());
    }
}
