using Boon.Platform;
using Boon.Platform.Access;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>
/// A later build logs an event of a known name in a new version, and this one reads it. The upgrade is the event in the version that this
/// build knows: a build of tomorrow is not to be had.
/// </summary>
[Collection("Defences")]
public sealed class VersionTests
{
    private const string Later = "identity.user-registered.v2";

    [Theory, Defended(nameof(Defences.KnownVersions))]
    public Task A_lane_stops_before_a_version_that_it_does_not_know_visibly_and_goes_on_after_the_upgrade(DefendedRun run) =>
        Defended.Show(run, async boon =>
        {
            var campaign = await boon.CreateCampaign(new { trigger = "identity.user-registered" });
            var users = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7()).ToArray();
            await boon.Append("identity.user-registered.v1", users[0], Data(users[0]));
            await boon.Append(Later, users[1], Data(users[1]));
            await boon.Append("identity.user-registered.v1", users[2], Data(users[2]));
            var at = await boon.Scalar<long>("""
                select o.sequence from identity.event_order o join identity.event_log l on l.position = o.position where l.type = $1
                """, Later);
            // One that reads all types, and one that names the types that it reads.
            foreach (var subscription in (string[])["promotions.issue-vouchers", "orders.learn-users"])
            {
                await Eventually.Holds($"{subscription} at the event", async () => await Place(boon, subscription) >= at - 1);
                await Eventually.Holds($"{subscription} to say that it stopped or to go on", async () =>
                    (await boon.Api.Get("/metrics")).Text.Split('\n').Any(line => line.EndsWith(" 1", StringComparison.Ordinal)
                        && line.StartsWith("boon_subscription_stopped", StringComparison.Ordinal)
                        && line.Contains($"subscription=\"{subscription}\"", StringComparison.Ordinal))
                    || await Place(boon, subscription) >= at);
                (await Place(boon, subscription)).ShouldBe(at - 1, subscription);
            }
            var system = await boon.Api.Get("/v1/system", await boon.OperatorToken());
            system.Text.ShouldContain($"event {at} is {Later}, a version that this build does not know");
            (await boon.Scalar<long>("select count(*) from promotions.dead_letters")).ShouldBe(0, "it is not parked");
            (await boon.Decisions(campaign, 1)).ShouldHaveSingleItem();

            await boon.Execute("update identity.event_log set type = 'identity.user-registered.v1' where type = $1", Later);
            await boon.Execute("select pg_notify('boon_log', 'identity')");
            await boon.CaughtUp();
            (await boon.Decisions(campaign, 3)).Count.ShouldBe(3);
            (await boon.Scalar<long>("select count(*) from orders.known_users where user_id = any ($1)", users)).ShouldBe(3);
        });

    [Theory, Defended(nameof(Defences.KnownVersions))]
    public Task What_says_that_sessions_end_in_a_later_way_makes_operators_wait(DefendedRun run) => Defended.Show(run, async boon =>
    {
        var access = boon.Services.GetRequiredService<AccessState>();
        access.IsStale.ShouldBeFalse();
        await boon.Append("identity.session-ended.v2", Guid.CreateVersion7(), "{}");
        var token = await boon.OperatorToken();
        await Eventually.Holds("staleness, or what comes after it", async () => access.IsStale || await Passed(boon, access));
        access.IsStale.ShouldBeTrue();
        (await boon.Api.Get("/v1/campaigns", token)).Problem.ShouldBe("access-stale");
    }, TestBoon.StartAsync(("Boon:Tokens:MaxStaleness", "00:00:01")));

    /// <summary>Without the defence the event is read, and what comes after it too.</summary>
    private static async Task<bool> Passed(TestBoon boon, AccessState access)
    {
        var session = Guid.CreateVersion7();
        await boon.Append(
            "identity.session-ended.v1", session, $$"""{"sessionId":"{{session}}","userId":"{{session}}","reason":"signed-out"}""");
        await Eventually.Holds("the session to end", () => Task.FromResult(access.HasEnded(session)));
        return !Defences.KnownVersions.On;
    }

    private static string Data(Guid user) => $$"""{"userId":"{{user}}"}""";

    private static Task<long> Place(TestBoon boon, string subscription) => boon.Scalar<long>($"""
        select min(sequence) from {subscription.Split('.')[0]}.checkpoints where subscription = $1 and source = 'identity'
        """, subscription);
}
