using System.Text.Json;
using Boon.Contracts;
using Boon.Platform.Input;
using Boon.Platform.Log;

namespace Boon.Unit.Log;

public sealed class EventTests
{
    [Theory]
    [InlineData("identity.user-signed-in.v1", "identity.user-signed-in")]
    [InlineData("identity.user-signed-in.v12", "identity.user-signed-in")]
    [InlineData("identity.user-signed-in", "identity.user-signed-in")]
    [InlineData("external.v", "external.v")]
    [InlineData("a.vx1", "a.vx1")]
    public void A_kind_is_the_name_without_its_version(string type, string kind) => EventNames.WithoutVersion(type).ShouldBe(kind);

    [Fact]
    public void Every_event_has_a_versioned_name_in_its_modules_and_is_written_by_generated_code()
    {
        EventCatalog.Types.ShouldNotBeEmpty();
        foreach (var (name, type) in EventCatalog.Types)
        {
            name.ShouldMatch(@"^[a-z]+\.[a-z-]+\.v[1-9][0-9]*$");
            EventJson.Default.GetTypeInfo(type).ShouldNotBeNull(name);
        }
        new EventTypes([]).Personal["identity.user-registered.v1"].ShouldBe(["username", "email", "phone", "fullName"], ignoreOrder: true);
    }

    [Fact]
    public void A_lane_is_the_same_for_a_user_always_and_users_spread_over_lanes()
    {
        var users = Enumerable.Range(0, 4000).Select(_ => Guid.CreateVersion7()).ToList();
        foreach (var user in users)
            Lanes.Of(user, 8).ShouldBe(Lanes.Of(user, 8));
        users.GroupBy(user => Lanes.Of(user, 8)).ShouldAllBe(lane => lane.Count() > 350 && lane.Key >= 0 && lane.Key < 8);
        Lanes.Of(null, 8).ShouldBe(0);
    }

    [Theory]
    [InlineData("\"2030-01-31T09:00:00Z\"", true)]
    [InlineData("\"2030-01-31T09:00:00.123456+02:00\"", true)]
    [InlineData("\"2030-01-31T09:00:00\"", false)]
    [InlineData("\"2030-01-31\"", false)]
    [InlineData("\"9999-12-31T23:59:59-14:00\"", false)]
    [InlineData("1", false)]
    public void Times_need_an_offset(string json, bool valid)
    {
        if (valid)
            JsonSerializer.Deserialize<DateTimeOffset>(json, Json.Options).Offset.ShouldBe(TimeSpan.Zero);
        else
            Should.Throw<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(json, Json.Options));
    }
}
