using System.Text.Json;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>
/// A dump, or whoever else holds an old snapshot, keeps every version of every row. Rows that are updated all the time are then many
/// versions long; looks at them must not walk over all of these.
/// </summary>
public sealed class LongSnapshotTests
{
    private const int Updates = 5_000;

    /// <summary>Pages that a look at one row reads: some of the index, and the newest version's.</summary>
    private const int FewPages = 20;

    [Fact]
    public async Task Rows_that_are_updated_all_the_time_cost_no_more_while_somebody_holds_an_old_snapshot()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Append("test.step", Guid.CreateVersion7(), "{}");
        await boon.CaughtUp();
        await using (await OpenTransaction.BeginAsync(boon, """
            set transaction isolation level repeatable read;
            select count(*) from identity.log_head
            """))
        {
            await Update("identity.log_head set recordedat = recordedat");
            await Update("""
                promotions.checkpoints
                set updated_at = updated_at
                where subscription = 'promotions.issue-vouchers' and lane = 0 and source = 'identity'
                """);
            (await Pages("select last from identity.log_head")).ShouldBeGreaterThan(FewPages, "a plain look walks over all versions");
            await LooksAreShort();

            // What autovacuum does sooner or later: now the planner knows how few rows there are.
            await boon.Execute("vacuum analyze identity.log_head");
            await boon.Execute("vacuum analyze promotions.checkpoints");
            await LooksAreShort();

            // And all of it goes on.
            await boon.Append("test.step", Guid.CreateVersion7(), "{}");
            await boon.CaughtUp();
        }

        Task Update(string what) => boon.Execute($"""
            do $$ begin
                for i in 1..{Updates} loop
                    update {what};
                    commit;
                end loop;
            end $$
            """);

        async Task LooksAreShort()
        {
            (await Pages($"select last from {LogHead.Of("identity")} h")).ShouldBeLessThan(FewPages);
            var checkpoint = Checkpoints.Of("promotions", "'identity'").Replace("$1", "'promotions.issue-vouchers'").Replace("$2", "0");
            (await Pages($"select sequence from {checkpoint} c")).ShouldBeLessThan(FewPages);
        }

        async Task<long> Pages(string sql)
        {
            var plan = await boon.Scalar<string>($"explain (analyze, buffers, format json) {sql}");
            var top = JsonSerializer.Deserialize<JsonElement>(plan)[0].GetProperty("Plan");
            return top.GetProperty("Shared Hit Blocks").GetInt64() + top.GetProperty("Shared Read Blocks").GetInt64();
        }
    }
}
