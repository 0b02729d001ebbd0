using System.Collections.Concurrent;
using System.Text.Json;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Four processes number one log at once while thousands of events come in and many ask for what came before.</summary>
public sealed class LogClusterTests
{
    private const int Processes = 4;
    private const int Workers = 8;
    private const int Batch = 100;

    [Fact]
    public Task No_log_is_taken_for_restored_while_four_processes_number_it() => RunAsync(20_000);

    /// <summary>2,000 a second for a minute.</summary>
    [Fact(Explicit = true)]
    [Trait("Category", "Heavy")]
    public Task No_log_is_taken_for_restored_for_long() => RunAsync(120_000);

    private static async Task RunAsync(int events)
    {
        await using var cluster = await TestCluster.CreateAsync(Processes);
        await cluster.StartAllAsync();
        var token = await cluster.OperatorTokenAsync();
        await cluster.CaughtUpAsync();
        var logs = await cluster.ScalarAsync<string>(
            "select string_agg(logid::text, ' ') from (select logid from identity.log_head union all select logid from intake.log_head) l");
        var batches = new ConcurrentQueue<int>(Enumerable.Range(0, events / Batch));
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var api = cluster.Api(worker % Processes);
            while (batches.TryDequeue(out var batch))
            {
                var reports = Enumerable.Range(0, Batch)
                    .Select(i => new { specversion = "1.0", id = $"{batch}-{i}", source = "/load", type = "load.sent", data = new { i } });
                (await api.Raw(HttpMethod.Post, "/v1/events", JsonSerializer.SerializeToUtf8Bytes(reports),
                    "application/cloudevents-batch+json", token)).Code.ShouldBe(202);
                // It runs a pass of its own, beside those of the four sequencers.
                (await api.Get("/v1/events?limit=1&module=intake", token)).Code.ShouldBe(200);
            }
        }));
        await cluster.CaughtUpAsync();
        for (var process = 0; process < Processes; process++)
            (await cluster.Api(process).Get("/metrics")).Text.ShouldNotContain("boon_log_restored_total{");
        (await cluster.ScalarAsync<string>(
            "select string_agg(logid::text, ' ') from (select logid from identity.log_head union all select logid from intake.log_head) l"))
            .ShouldBe(logs);
        (await cluster.ScalarAsync<bool>("""
            select count(*) = max(sequence) and count(distinct position) = count(*) and count(*) = (select count(*) from intake.event_log)
            from intake.event_order
            """)).ShouldBeTrue();
    }
}
