using System.Collections.Concurrent;
using Boon.Promotions;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>A drop: more people than coupons, two processes, one of them killed in the middle.</summary>
public sealed class CouponDropTests
{
    private const int Connections = 64;

    [Theory]
    [Defended(nameof(PromotionsDefences.DurableReply))]
    public Task Every_promised_coupon_is_kept_though_a_process_is_killed(DefendedRun run) =>
        Guarantee.Show(run.Defended, () => RunAsync(run));

    private static async Task RunAsync(DefendedRun run)
    {
        // Without the defence the one kill breaks it.
        var (codes, users) = run.Defended ? (10_000, 12_000) : (3_000, 3_600);
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAllAsync(run.Switches);
        await cluster.UploadAsync("STANDARD", codes);
        var tokens = (await TokenMint.CreateAsync(cluster.Source)).Tokens(users);

        var promised = new ConcurrentBag<(Guid Claim, string Code)>();
        var repeated = 0;
        var soldOut = 0;
        var next = -1;
        var granted = 0;
        Task? restart = null;
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async connection =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < users;)
            {
                var token = tokens[i];
                var answer = await cluster.RetryAsync(api => api.Post("/v1/claims", new { type = "STANDARD" }, token), connection);
                switch (answer.Code)
                {
                    case 201:
                        promised.Add((answer.Id, answer.As<Claim>().Coupon!.Code));
                        if (Interlocked.Increment(ref granted) == codes / 2)
                            restart = cluster.KillAndRestartAsync(connection % 2, run.Switches);
                        break;
                    case 200: // the answer was lost with the process, the claim was not
                        Interlocked.Increment(ref repeated);
                        break;
                    default:
                        answer.Problem.ShouldBe("sold-out");
                        Interlocked.Increment(ref soldOut);
                        break;
                }
            }
        }));
        await restart!;

        promised.Select(claim => claim.Code).ShouldBeUnique();
        (await cluster.ScalarAsync<long>(
            "select count(*) from unnest($1::uuid[], $2::text[]) p (id, code) join promotions.claims k on k.id = p.id join "
                + "promotions.codes c on c.id = k.code_id and c.code = p.code",
            promised.Select(claim => claim.Claim).ToArray(), promised.Select(claim => claim.Code).ToArray()))
                .ShouldBe(promised.Count, "every 201 is in the database");
        (await cluster.ScalarAsync<long>("select count(*) from promotions.claims where state = 'granted'")).ShouldBe(codes);
        (await cluster.ScalarAsync<long>("select count(distinct code_id) from promotions.claims")).ShouldBe(codes);
        (promised.Count + repeated).ShouldBe(codes);
        soldOut.ShouldBe(users - codes);
        (await cluster.ScalarAsync<long>("select count(*) from promotions.event_log where type = 'promotions.coupon-claimed.v1'"))
            .ShouldBe(codes);
        (await cluster.ScalarAsync<long>("select sum(claimed)::bigint from promotions.coupon_counts")).ShouldBe(codes);
    }
}
