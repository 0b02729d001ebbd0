using Boon.Platform.Data;

namespace Boon.Unit.Data;

/// <summary>Ids sort in the order in which they were made, also those of one instant.</summary>
public sealed class OrderedIdTests
{
    [Fact]
    public void Ids_sort_in_the_order_in_which_they_were_made()
    {
        var made = Enumerable.Range(0, 100_000).Select(_ => OrderedId.New()).ToArray();
        made.ShouldBeInOrder();
        made.Distinct().Count().ShouldBe(made.Length);
        // PostgreSQL compares the bytes as they are written.
        made.Select(id => id.ToString()).ShouldBeInOrder(SortDirection.Ascending, StringComparer.Ordinal);
    }

    [Fact]
    public void They_are_of_version_7_and_say_when_they_were_made()
    {
        var before = TimeProvider.System.GetUtcNow();
        var id = OrderedId.New();
        (id.Version, id.Variant >> 2).ShouldBe((7, 2));
        var milliseconds = Convert.ToInt64(id.ToString("N")[..12], 16);
        milliseconds.ShouldBeGreaterThanOrEqualTo(before.ToUnixTimeMilliseconds());
    }

    [Fact]
    public void The_clock_counts_parts_of_a_millisecond()
    {
        var instant = DateTimeOffset.FromUnixTimeMilliseconds(1_000);
        OrderedId.Clock(instant).ShouldBe(1_000L << 12);
        OrderedId.Clock(instant.AddTicks(5_000)).ShouldBe((1_000L << 12) + 2_048);
        OrderedId.Clock(instant.AddTicks(9_999)).ShouldBe((1_000L << 12) + 4_095);
    }
}
