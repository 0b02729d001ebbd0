using System.Text.Json;
using Boon.Cluster.Deployment;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>The commands and settings of the rendered manifests, in plain processes: a job, servers, and the gateway.</summary>
public sealed class DeployedManifestsTests
{
    private const string Password = "a pass phrase of the cluster";
    private const int People = 12;
    private const int Limit = 5;

    [Fact]
    public async Task Job_replicas_and_gateway_serve_as_the_manifests_say()
    {
        var database = await TestServer.CreateDatabaseAsync();
        var secrets = Directory.CreateTempSubdirectory("boon-secrets-").FullName;
        await File.WriteAllTextAsync(Path.Combine(secrets, "database"), database);
        await File.WriteAllTextAsync(Path.Combine(secrets, "operator-password"), Password + "\n");
        await using (var cluster = new DeployedProcesses(await Manifests.RenderAsync("test"), secrets))
        {
            var early = cluster.Start("Deployment", "boon");
            (await early.Exited()).ShouldBe(1, early.Output);
            early.Output.ShouldContain("run `boon migrate`");

            var job = cluster.Start("Job", "boon-migrate");
            (await job.Exited()).ShouldBe(0, job.Output);
            job.Output.ShouldContain("Applied ");

            var servers = new[] { cluster.Start("Deployment", "boon", servers: true), cluster.Start("Deployment", "boon", servers: true) };
            var addresses = await Task.WhenAll(servers.Select(server => server.Serving()));
            var gateway = cluster.Start("Deployment", "gateway");
            var url = await gateway.Serving();
            foreach (var (name, address) in new[] { ("boon", addresses[0]), ("boon", addresses[1]), ("gateway", url) })
                foreach (var probe in (string[])["livenessProbe", "readinessProbe"])
                    await Eventually.Holds($"{probe} of {name}", async () => await cluster.ProbeAsync(name, probe, address) == 200);
            using var api = new Api(url);
            (await api.Get("/metrics")).Code.ShouldBe(404, "clients do not see what the cluster watches");

            await ServesAsync(api);
            (await cluster.ProbeAsync("gateway", "readinessProbe", url)).ShouldBe(200);
        }
        Directory.Delete(secrets, recursive: true);
        await TestServer.DropDatabaseAsync(database);
    }

    /// <summary>The first to sign in get a voucher, and three coupons go to three of them.</summary>
    private static async Task ServesAsync(Api api)
    {
        var operators = await api.SignIn("operator", Password);
        var campaign = await api.Post("/v1/campaigns", new
        {
            name = "First 5",
            trigger = "identity.user-signed-in",
            when = new { first = true },
            limit = Limit,
            benefit = new { kind = "percent", value = 30 },
            voucherValidFor = "P30D",
        }, operators);
        campaign.Code.ShouldBe(201, campaign.Text);
        // The operator's own sign-in came before the campaign.
        var members = await Task.WhenAll(Enumerable.Range(0, People).Select(async i =>
        {
            var member = new
            {
                username = $"member{i}",
                email = $"member{i}@example.com",
                phone = TestBoon.NewPhone(),
                password = Password,
                fullName = "A Member",
            };
            (await api.Post("/v1/users", member)).Code.ShouldBe(201);
            return await api.SignIn(member.username, Password);
        }));

        List<Decision> decisions = [];
        await Eventually.Holds("a decision for everybody", async () =>
            (decisions = await api.All<Decision>($"/v1/campaigns/{campaign.Id}/decisions", operators)).Count == People);
        var winners = decisions.Where(decision => decision.Outcome == "issued").Select(decision => decision.EventSequence).ToList();
        winners.ShouldBe(
            decisions.Select(decision => decision.EventSequence).Order().Take(Limit), ignoreOrder: true, "the first in the log");

        (await api.Put("/v1/coupon-types/DEPLOYED", new { perUser = 1 }, operators)).Code.ShouldBe(201);
        var coupons = Enumerable.Range(0, 3).Select(i => new
        {
            code = $"DEPLOYED-{i}",
            type = "DEPLOYED",
            discount = new { kind = "percent", value = 10 },
            expiresAt = "2090-01-01T00:00:00Z",
            maxUses = 1,
        });
        (await api.Post("/v1/coupons", new { coupons }, operators)).Code.ShouldBe(201);
        var claims = await Task.WhenAll(members.Select((token, i) =>
            api.Post("/v1/claims", new { type = "DEPLOYED" }, token, $"claim {i}")));
        claims.Count(claim => claim.Code == 201).ShouldBe(3, string.Join('\n', claims.Select(claim => claim.ToString())));
    }
}
