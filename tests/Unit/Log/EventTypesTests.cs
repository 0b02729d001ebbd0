using System.Text.Json;
using Boon.Contracts;
using Boon.Platform.Log;
using Boon.Platform.Rules;

namespace Boon.Unit.Log;

public sealed class EventTypesTests
{
    [Fact]
    public void Each_event_has_a_sample_that_its_record_reads_and_that_has_its_members()
    {
        var all = new EventTypes([]).All;
        all.Select(type => type.Name).ShouldBe(EventCatalog.Types.Keys, ignoreOrder: true);
        foreach (var type in all)
        {
            JsonSerializer.Deserialize(type.Sample, EventCatalog.Types[type.Name], EventJson.Default).ShouldNotBeNull();
            type.Sample.EnumerateObject().Select(member => member.Name)
                .ShouldBe(type.Members.Select(member => member.Name), ignoreOrder: true);
            type.Module.ShouldBe(type.Name.Split('.')[0]);
        }
        all.Single(type => type.Name == UserSignedIn.Name).HasUser.ShouldBeTrue();
        all.Single(type => type.Name == SigningKeyCreated.Name).HasUser.ShouldBeFalse();
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("flaw", "lawn", 2)]
    public void The_edit_distance_is_that_of_Levenshtein(string one, string other, int distance)
    {
        EventTriggers.EditDistance(one, other).ShouldBe(distance);
        EventTriggers.EditDistance(other, one).ShouldBe(distance);
    }
}
