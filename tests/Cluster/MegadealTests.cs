using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// MEGADEAL: 5 at once, 10 a second, 100 may wait, for 10 s at most, over two processes. How many of those who may wait are granted in
/// their 10 s is a matter of the machine; so everybody may wait for longer where a test says that all are.
/// </summary>
public sealed class MegadealTests
{
    private const int PerSecond = 10;
    private const int Concurrency = 5;
    private const int MaxQueue = 100;
    private const int Claims = 200;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongWait = TimeSpan.FromMinutes(5);

    /// <summary>Often in the time of a slow grant, and no load of its own.</summary>
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private sealed record Row(string State, string? Reason, DateTime CreatedAt, DateTime? SettledAt);

    [Theory]
    [InlineData(null)]
    [InlineData("QueueLimit")]
    [InlineData("PaceWindow")]
    public Task Two_hundred_at_once_keep_the_queue_and_the_pace(string? without) =>
        Guarantee.Show(without is null, () => RunAsync(without is null ? [] : ["--without", without], kill: false));

    [Theory]
    [InlineData(null)]
    [InlineData("WorkerLimit")]
    public Task Slow_grants_and_a_killed_process_keep_them_too(string? without) =>
        Guarantee.Show(without is null, () =>
            RunAsync(without is null ? ["--slow-grant", "700"] : ["--slow-grant", "700", "--without", without], kill: true));

    private static async Task RunAsync(string[] switches, bool kill)
    {
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAllAsync(switches);
        await cluster.UploadAsync("MEGADEAL", Claims);
        var maxWait = kill ? MaxWait : LongWait;
        await cluster.ExecuteAsync(
            "update promotions.coupon_types set max_wait_seconds = $1 where name = 'MEGADEAL'", (int)maxWait.TotalSeconds);
        var tokens = (await TokenMint.CreateAsync(cluster.Source)).Tokens(Claims);
        // A first request on each connection, so that the 200 leave in the same instant.
        await Task.WhenAll(tokens.Select((token, i) => cluster.Api(i % 2).Get("/v1/coupons", token)));

        using var done = new CancellationTokenSource();
        var working = MostWorkingAsync(cluster, done.Token);
        var answers = await Task.WhenAll(
            tokens.Select((token, i) => cluster.Api(i % 2).Post("/v1/claims", new { type = "MEGADEAL" }, token)));
        if (kill)
        {
            await Eventually.Holds(
                "some grants", async () => await cluster.ScalarAsync<long>(
                    "select count(*) from promotions.claims where state = 'granted'") >= 5);
            await cluster[1].Kill();
        }
        var accepted = answers.Count(answer => answer.Code == 202);
        answers.Where(answer => answer.Code != 202)
            .ShouldAllBe(answer => answer.Code == 429 && answer.Problem == "queue-full" && answer.Headers.RetryAfter != null);
        await Eventually.Holds(
            "the queue to be empty", () => cluster.ScalarAsync<bool>(
                "select not exists (select from promotions.claims where state in ('queued', 'working'))"), 2 * maxWait);
        await done.CancelAsync();

        var claims = await ReadAsync(cluster);
        claims.Count.ShouldBe(accepted);
        accepted.ShouldBeGreaterThanOrEqualTo(MaxQueue);
        for (var i = 0; i < claims.Count; i++)
            claims.Take(i).Count(before => before.SettledAt > claims[i].CreatedAt)
                .ShouldBeLessThan(MaxQueue, "never more than 100 wait: accepted are 100 and the grants made meanwhile");
        (await working).ShouldBeLessThanOrEqualTo(Concurrency, "5 at once");

        var grants = claims.Where(claim => claim.State == "granted").Select(claim => claim.SettledAt!.Value).Order().ToList();
        for (var i = PerSecond; i < grants.Count; i++)
            (grants[i] - grants[i - PerSecond]).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1), "10 in any second");
        var late = claims.Where(claim => claim.State != "granted").ToList();
        late.ShouldAllBe(claim => claim.Reason == "timed-out" && claim.SettledAt - claim.CreatedAt >= maxWait);
        if (kill)
            late.Count.ShouldBeGreaterThan(0, "at 5 in 0.7 s, 100 are not granted in 10 s");
        else
            late.ShouldBeEmpty("all who may wait get theirs");
        (await cluster.ScalarAsync<long>("select count(distinct code_id) from promotions.claims")).ShouldBe(grants.Count);
        (await cluster.ScalarAsync<long>("select sum(claimed)::bigint from promotions.coupon_counts where type = 'MEGADEAL'"))
            .ShouldBe(grants.Count);
    }

    private static async Task<long> MostWorkingAsync(TestCluster cluster, CancellationToken done)
    {
        var most = 0L;
        while (!done.IsCancellationRequested)
        {
            most = Math.Max(most, await cluster.ScalarAsync<long>("select count(*) from promotions.claims where state = 'working'"));
            await Task.Delay(BetweenLooks, CancellationToken.None);
        }
        return most;
    }

    private static async Task<List<Row>> ReadAsync(TestCluster cluster)
    {
        await using var command = cluster.Source.CreateCommand(
            "select state, reason, created_at, settled_at from promotions.claims order by ticket");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<Row>();
        while (await reader.ReadAsync())
            rows.Add(new Row(reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetDateTime(2),
                reader.IsDBNull(3) ? null : reader.GetDateTime(3)));
        return rows;
    }
}
