using Boon.Platform.Subscriptions;

namespace Boon.Unit.Log;

public sealed class BatchLimitTests
{
    [Fact]
    public void One_failure_says_nothing_and_more_of_them_halve_down_to_one()
    {
        var limit = new BatchLimit(500);
        var seen = Enumerable.Range(0, 11).Select(_ =>
        {
            limit.Failed();
            return limit.Current;
        });
        seen.ShouldBe([500, 250, 125, 62, 31, 15, 7, 3, 1, 1, 1]);
    }

    [Fact]
    public void It_grows_after_eight_successes_in_a_row_up_to_where_it_began()
    {
        var limit = new BatchLimit(10);
        for (var i = 0; i < 4; i++)
            limit.Failed();
        limit.Current.ShouldBe(1);
        var seen = Enumerable.Range(0, 40).Select(_ =>
        {
            limit.Succeeded();
            return limit.Current;
        }).ToList();
        seen.Take(7).ShouldAllBe(size => size == 1);
        seen[7].ShouldBe(2);
        seen[15].ShouldBe(5);
        seen[23].ShouldBe(10);
        seen[^1].ShouldBe(10);
    }

    [Fact]
    public void A_success_between_two_failures_keeps_the_size()
    {
        var limit = new BatchLimit(500);
        for (var i = 0; i < 5; i++)
        {
            limit.Failed();
            limit.Succeeded();
        }
        limit.Current.ShouldBe(500);
    }
}
