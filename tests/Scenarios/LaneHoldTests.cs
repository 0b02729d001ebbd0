using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Promotions;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Boon.Scenarios;

/// <summary>While the number of lanes changes, each lane is held at one place. Nobody passes it, and it is where the lanes stand.</summary>
public sealed class LaneHoldTests : IAsyncLifetime
{
    private const string Name = "test.held-lanes";
    private static readonly CancellationToken Never = CancellationToken.None;
    private TestBoon boon = null!;

    private ModuleDatabase<PromotionsDb> Module => boon.Services.GetRequiredService<ModuleDatabase<PromotionsDb>>();

    public async ValueTask InitializeAsync()
    {
        boon = await TestBoon.StartModulesAsync(["identity", "promotions"]);
        for (var i = 0; i < 20; i++)
            await boon.Append("test.held", Guid.CreateVersion7(), "{}");
        await boon.CaughtUp();
        await Ask(lanes: 2);
    }

    public ValueTask DisposeAsync() => boon.DisposeAsync();

    private Task<int> Ask(int lanes) => LaneLayout.AskAsync(Module.Database, Name, ["identity"], lanes, Never);

    private Task<int> Stand(int lane, long sequence, long? hold = null, int? wanted = null) => boon.Execute($"""
        update promotions.checkpoints
        set sequence = {sequence}, hold_at = {hold?.ToString() ?? "null"}, wanted_lanes = {wanted?.ToString() ?? "null"}
        where subscription = '{Name}' and lane = {lane}
        """);

    private Task<string> Rows() => boon.Scalar<string>($"""
        select string_agg(concat_ws(' ', lane, sequence, coalesce(hold_at::text, '-')), ', ' order by lane)
        from promotions.checkpoints
        where subscription = '{Name}'
        """);

    /// <summary>
    /// The third failure of an event comes when the lanes are held before it, or were laid anew: then it may be another lane's event.
    /// </summary>
    [Theory]
    [InlineData(8, "0 5 8, 1 8 8")]
    [InlineData(5, "0 5 -, 1 5 -, 2 5 -")]
    public async Task An_event_that_fails_while_the_lanes_change_is_not_parked_and_not_passed(long other, string held)
    {
        await Stand(0, 5);
        await Stand(1, other);
        var subscription = new Subscription<PromotionsDb>(
            Name, ["identity"], (_, _, _) => Task.FromResult(BatchEffect.None), SingleLane: false);
        var lane = new Lane<PromotionsDb>(
            subscription, new SubscriptionSettings(), 0, 2, Module, boon.Services.GetRequiredService<LogPlaces>(),
            boon.Services.GetRequiredService<EventVersions>(), boon.Services.GetRequiredService<LogSignals>(), NullLogger.Instance);
        var mark = new LogMark(null, null, null);
        var read = new Checkpoint("identity", 5, null, 2, mark);
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var e = new LoggedEvent(
            "identity", 6, Guid.CreateVersion7(), "test.held", "test", "t", Guid.CreateVersion7(), "{}"u8.ToArray(), now, now, null, null,
            null);
        var failures = new LaneFailures<PromotionsDb>(lane);
        async Task Fail() => await failures.AddAsync(read, new LogPage([e], 6, 20, mark), new TimeZoneNotFoundException(), Never);
        for (var i = 1; i < LaneFailures<PromotionsDb>.Attempts; i++)
            await Fail();
        await Ask(lanes: 3);
        await Fail();
        (await Rows()).ShouldBe(held);
        (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0);
    }

    [Fact]
    public async Task A_hold_that_a_lane_has_passed_is_moved_to_where_the_furthest_stands_when_lanes_are_asked_for_again()
    {
        await Stand(0, 10, hold: 5, wanted: 3);
        await Stand(1, 5, hold: 5, wanted: 3);
        (await Ask(lanes: 4)).ShouldBe(2);
        (await Rows()).ShouldBe("0 10 10, 1 5 10");
    }

    [Fact]
    public async Task Lanes_that_wait_for_a_change_wait_for_where_the_furthest_stands_after_a_log_was_accepted()
    {
        await Stand(0, 10, hold: 5, wanted: 3);
        await Stand(1, 5, hold: 5, wanted: 3);
        await boon.Services.GetRequiredService<LogEpochs>().AcceptAsync("identity", from: null, Never);
        (await Rows()).ShouldBe("0 10 10, 1 5 10");
    }
}
