using System.Diagnostics;
using Boon.Host.Cluster;
using Boon.Host.Demo;
using Boon.Support;

namespace Boon.Cluster;

/// <summary><c>boon cluster up</c>, <c>status</c> and <c>down</c>: with real processes, which are killed.</summary>
public sealed class ClusterCommandTests : IDisposable
{
    private readonly string data = Directory.CreateTempSubdirectory("boon-clusters-").FullName;

    public ClusterCommandTests() => File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);

    [Fact]
    public async Task It_does_the_main_job_and_starts_again_what_was_killed_and_only_that()
    {
        await using var cluster = LocalCluster.Create(ClusterPlan.RabbitMq);
        await cluster.UpAsync();
        (await cluster.Api.Get("/health/ready")).Code.ShouldBe(200);
        await MainJobAsync(cluster);
        var first = cluster.Pids();
        first.Count.ShouldBe(7, "six modules and the gateway");

        await cluster.KillAsync("promotions-1");
        await cluster.KillAsync(BoonCluster.Gateway);
        var seen = await ClusterStatus.LookAsync(cluster.Folder, cluster.State, CancellationToken.None);
        seen.Where(part => !part.Ready).Select(part => part.Name).ShouldBe([BoonCluster.Gateway, "promotions-1"]);
        seen.ShouldAllBe(part => part.Ready == (part.Pid != null));

        await cluster.UpAsync();
        var second = cluster.Pids();
        second.Where(one => first[one.Key] != one.Value).Select(one => one.Key).ShouldBe([BoonCluster.Gateway, "promotions-1"], true);
        (await cluster.Api.Get("/health/ready")).Code.ShouldBe(200);

        Process.GetProcessById(cluster.Postmaster()!.Value).Kill();
        await cluster.KillBrokerAsync();
        seen = await ClusterStatus.LookAsync(cluster.Folder, cluster.State, CancellationToken.None);
        seen.Single(part => part.Name == BoonCluster.Rabbit).State.ShouldBe("does not run");
        await cluster.UpAsync();
        cluster.Pids().ShouldBe(second, ignoreOrder: true, "the database and the broker are there again, at the same ports");
        seen = await ClusterStatus.LookAsync(cluster.Folder, cluster.State, CancellationToken.None);
        seen.ShouldAllBe(part => part.Ready);
        seen.Single(part => part.Name == BoonCluster.Postgres).More.ShouldContain($"of {ClusterSize.Of(6).All} connections");

        await cluster.Boon.DownAsync(null);
        cluster.Pids().ShouldBeEmpty();
        cluster.Postmaster().ShouldBeNull();
        cluster.Broker.ProcessId.ShouldBeNull();
    }

    [Fact]
    public async Task The_commands_say_what_they_do_and_down_ends_what_a_failed_up_has_left()
    {
        var settings = new Dictionary<string, string> { ["Boon__Operator__Password"] = LocalCluster.OperatorPassword };
        (await RunAsync(settings, "status")).ShouldBe((1, $"There is no cluster in {data}/cluster."));
        (await RunAsync(settings, "up", "--replicas", "9")).Output.ShouldContain("--replicas is 9; it can be 1 to 8.");

        // The gateway has no certificate, which it sees when everything else runs.
        var (status, output) = await RunAsync(settings, "up", "--urls", "https://127.0.0.1:0");
        status.ShouldBe(1);
        output.ShouldContain("gateway has ended. Its last words, in ");
        output.ShouldContain("The cluster is not up. What has started runs on; boon cluster down ends it.");
        (await RunAsync(settings, "status")).Status.ShouldBe(1);

        var folder = new ClusterFolder(Path.Combine(data, "cluster"));
        var left = folder.Started().Select(name => new ClusterProcess(folder, name).Running()).OfType<ProcessIdentity>().ToList();
        left.Count.ShouldBe(6);
        var broker = new ClusterBroker(folder);
        broker.ProcessId.ShouldNotBeNull("RabbitMQ joins modules unless another way is asked for");
        (await RunAsync(settings, "down")).Output.ShouldContain("Nothing of the cluster in ");
        left.ShouldAllBe(process => !process.IsAlive);
        broker.ProcessId.ShouldBeNull();
        (await RunAsync(settings, "up", "--broker", "none")).Output.ShouldContain("was made with --broker rabbitmq");

        (status, output) = await RunAsync(settings, "up", "--urls", "http://127.0.0.1:0");
        output.ShouldContain("The cluster is up.");
        output.ShouldNotContain(LocalCluster.OperatorPassword);
        status.ShouldBe(0, output);
        var url = BoonCluster.Address(folder.ReadState()!, BoonCluster.Gateway);
        using (var api = new Api(url))
            (await api.SignIn("operator", LocalCluster.OperatorPassword)).ShouldNotBeEmpty("its password reaches Identity");
        (status, output) = await RunAsync(settings, "status");
        status.ShouldBe(0, output);
        output.Split('\n').Length.ShouldBe(9, "the database, the broker, the gateway, and six modules");
        (await RunAsync(settings, "down")).Status.ShouldBe(0);
        (await RunAsync(settings, "status")).Status.ShouldBe(1);
    }

    [Fact]
    public async Task A_process_that_has_the_number_of_a_dead_one_is_let_alone()
    {
        var folder = new ClusterFolder(Path.Combine(data, "cluster"));
        var home = folder.MakeHome("wallet-1");
        using var stranger = Process.Start("sleep", "600");
        try
        {
            var began = ProcessIdentity.BeganAt(stranger.Id)!;
            await File.WriteAllTextAsync(Path.Combine(home, "pid"), $"{stranger.Id} {began[..^1]}0{began[^1]}");
            new ClusterProcess(folder, "wallet-1").Running().ShouldBeNull();
            await new BoonCluster(folder, _ => { }).DownAsync(null);
            stranger.HasExited.ShouldBeFalse();

            await File.WriteAllTextAsync(Path.Combine(home, "pid"), $"{stranger.Id} {began}");
            new ClusterProcess(folder, "wallet-1").Running()!.Pid.ShouldBe(stranger.Id);
            await new BoonCluster(folder, _ => { }).DownAsync(null);
            await stranger.WaitForExitAsync();
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public void Connections_are_counted_from_the_processes_and_the_sum_is_checked()
    {
        ClusterSize.Of(6).ShouldBe(new ClusterSize(40, 270));
        ClusterSize.Of(18).ShouldBe(new ClusterSize(26, 498));
        ClusterSize.Of(48).ShouldBe(new ClusterSize(20, 990));
        Should.Throw<Boon.Platform.SetupException>(() => ClusterSize.Of(18).Check(497)).Message.ShouldContain("may open 498");
        ClusterSize.Of(18).Check(498);
    }

    [Fact]
    public async Task The_demo_shows_the_main_job_on_a_cluster_and_leaves_nothing()
    {
        await using var demo = BoonProcess.Start(new Dictionary<string, string>(),
            "--fast-hash", "demo", "--cluster", "--broker", "none", "--once", "--urls", "http://127.0.0.1:0", "--data", data);
        (await demo.Exited()).ShouldBe(0, demo.Output);
        demo.Output.ShouldContain("Every check holds.");
        demo.Output.ShouldContain("gateway");
        Directory.Exists(Path.Combine(data, "demo", "cluster")).ShouldBeFalse();
    }

    internal static async Task MainJobAsync(LocalCluster cluster)
    {
        using var client = new DemoClient(BoonCluster.Address(cluster.State, BoonCluster.Gateway), FirstHundred.Connections);
        (await new FirstHundred(client, LocalCluster.OperatorPassword,
            Member.Read(Path.Combine(AppContext.BaseDirectory, "Demo", "members.csv"))).RunAsync(CancellationToken.None))
            .ShouldBeTrue("every check of the main job holds");
    }

    private async Task<(int Status, string Output)> RunAsync(Dictionary<string, string> settings, string verb, params string[] arguments)
    {
        await using var process = BoonProcess.Start(settings, ["--fast-hash", "cluster", verb, "--data", data, .. arguments]);
        return (await process.Exited(), process.Output);
    }

    public void Dispose()
    {
        var folder = new ClusterFolder(Path.Combine(data, "cluster"));
        new BoonCluster(folder, _ => { }).RemoveAsync(null).GetAwaiter().GetResult();
        Directory.Delete(data, recursive: true);
    }
}
