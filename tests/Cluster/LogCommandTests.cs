using Boon.Support;

namespace Boon.Cluster;

/// <summary>
/// <c>boon log new-epoch|accept-epoch</c>, run beside a process whose readers they are about; Identity's log is in a database of its own.
/// </summary>
public sealed class LogCommandTests
{
    private const string Lane = "promotions.issue-vouchers lane 0";

    [Fact]
    public async Task Readers_of_a_log_that_is_another_one_stop_and_are_told_from_where_to_go_on()
    {
        var identity = await TestServer.CreateDatabaseAsync();
        await using (var cluster = await TestCluster.CreateAsync(
            1, new Dictionary<string, string> { ["ConnectionStrings__Identity"] = identity }))
        {
            await cluster.StartAllAsync();
            var api = cluster.Api(0);
            var token = await cluster.OperatorTokenAsync();
            var campaign = await api.Post("/v1/campaigns", new
            {
                name = "Every sign-in", trigger = "identity.user-signed-in", perUser = 100, limit = 100,
                benefit = new { kind = "percent", value = 30 }, voucherValidFor = "P30D",
            }, token);
            async Task SignIn() => token = await cluster.OperatorTokenAsync();
            Task Issued(int count) =>
                Eventually.Holds(
                    $"{count} vouchers", async () => (await api.Get($"/v1/campaigns/{campaign.Id}", token))["issued"].GetInt32() == count);
            Task Stopped() => Eventually.Holds("the lane to stop", async () => (await api.Get("/metrics")).Text.Contains(
                "boon_subscription_stopped{lane=\"0\",source=\"identity\",subscription=\"promotions.issue-vouchers\"} 1\n",
                StringComparison.Ordinal));
            async Task Says(int status, string words, params string[] arguments)
            {
                var (ended, output) = await LogAsync(cluster.Database, identity, arguments);
                (ended, output.Contains(words, StringComparison.Ordinal))
                    .ShouldBe((status, true), $"boon log {string.Join(' ', arguments)}\n{output}");
            }
            await SignIn();
            await Issued(1);
            await Says(0, $"{Lane}  reads it already, and stands at ", "accept-epoch", "identity");

            // Another id: whoever reads it stops until it is accepted, and goes on where it stands.
            var before = await Id();
            await Says(0, "The log of identity has the id ", "new-epoch", "identity");
            (await Id()).ShouldNotBe(before);
            await SignIn();
            await Stopped();
            await Says(0, $"{Lane}  goes on after ", "accept-epoch", "identity");
            await Issued(2);

            // What a lane read last is another event now: it must be told from where it goes on.
            var stood = await cluster.ScalarAsync<long>("""
                update promotions.checkpoints set read_event = gen_random_uuid()
                where subscription = 'promotions.issue-vouchers' and source = 'identity' and read_sequence is not null
                returning read_sequence
                """);
            await SignIn();
            await Stopped();
            await Says(1, $"{Lane}  STOPPED at ", "accept-epoch", "identity");
            await Says(1, "boon log accept-epoch identity --from SEQUENCE", "accept-epoch", "identity");
            await Says(0, $"{Lane}  goes on after {stood}", "accept-epoch", "identity", "--from", $"{stood}");
            await Issued(3);

            await Says(1, "boon: There is no module nothing; there are ", "new-epoch", "nothing");
            await Says(1, "boon: --from must be a sequence", "accept-epoch", "identity", "--from=-1");
            await Says(1, "boon: The log of identity ends at ", "accept-epoch", "identity", "--from", "1000000");
        }
        await TestServer.DropDatabaseAsync(identity);

        async Task<Guid> Id()
        {
            await using var source = Npgsql.NpgsqlDataSource.Create(TestServer.ForTest(identity));
            await using var command = source.CreateCommand("select logid from identity.log_head");
            return (Guid)(await command.ExecuteScalarAsync())!;
        }
    }

    private static async Task<(int Status, string Output)> LogAsync(string database, string identity, string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("boon-log-").FullName;
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Boon"] = database, ["ConnectionStrings__Identity"] = identity,
        };
        await using var command = BoonProcess.Start(settings, ["log", .. arguments, "--data", folder]);
        var status = await command.Exited();
        Directory.Delete(folder, recursive: true);
        return (status, command.Output);
    }
}
