using Boon.Platform.Access;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

public sealed class AccessStateTests
{
    /// <summary>
    /// Each name of a key that is not known makes the process read the log. While the database is slow, one read is under way and one waits
    /// for it, whatever strangers send: they cannot take the connections.
    /// </summary>
    [Fact]
    public async Task Names_of_keys_that_nobody_has_made_cause_one_read_at_a_time_and_one_that_waits()
    {
        await using var boon = await TestBoon.StartModulesAsync(["identity"]);
        var state = boon.Services.GetRequiredService<AccessState>();
        var reads = new HashSet<Task>(ReferenceEqualityComparer.Instance);
        await using (var slow = await OpenTransaction.BeginAsync(boon, "lock table identity.log_head in access exclusive mode"))
        {
            // Whoever asks while a read has not begun shares it. The next reads would have come long since.
            await Eventually.Holds("the first read to wait for a second", async () =>
            {
                reads.Add(state.RefreshAsync(CancellationToken.None));
                return await boon.Scalar<bool>("""
                    select count(*) > 0
                    from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '1 s'
                    """) && reads.Count >= 2;
            });
            reads.Count.ShouldBe(2);
        }
        await Task.WhenAll(reads);
    }
}
