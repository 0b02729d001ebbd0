using System.Diagnostics;
using Boon.Platform.Data;
using Boon.Support;
using Npgsql;

namespace Boon.Cluster;

/// <summary>The private PostgreSQL, with real processes that are killed.</summary>
public sealed class PrivatePostgresTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("boon-pg-").FullName;
    private readonly List<string> said = [];

    public PrivatePostgresTests()
    {
        // The user postgres must be able to reach it.
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute | UnixFileMode.OtherRead | UnixFileMode.GroupExecute | UnixFileMode.GroupRead);
    }

    private Task<PrivatePostgres> Start(string? other = null, string? binaries = null) =>
        PrivatePostgres.StartAsync(new PrivatePostgresOptions(other ?? folder, binaries), said.Add, CancellationToken.None);

    private static async Task<object?> Ask(PrivatePostgres postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static int Postmaster(PrivatePostgres postgres) => int.Parse(File.ReadLines(Path.Combine(postgres.ClusterDirectory, "data", "postmaster.pid")).First());

    /// <summary>A server removes its file as the last thing that it does.</summary>
    private static bool Runs(PrivatePostgres postgres) => File.Exists(Path.Combine(postgres.ClusterDirectory, "data", "postmaster.pid"));

    [Fact]
    public async Task The_first_start_makes_it_durable_and_local_and_the_last_one_out_stops_it()
    {
        var first = await Start();
        said.ShouldContain(line => line.StartsWith("Making a private PostgreSQL", StringComparison.Ordinal));
        var second = await Start();
        second.ConnectionString.ShouldBe(first.ConnectionString);
        foreach (var setting in (string[])["fsync", "synchronous_commit", "full_page_writes", "data_checksums"])
            (await Ask(first, $"show {setting}")).ShouldBe("on", setting);
        (await Ask(first, "show listen_addresses")).ShouldBe("127.0.0.1");
        await Ask(first, "create table kept (id int)");
        await Should.ThrowAsync<PostgresException>(async () =>
        {
            await using var stranger = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(first.ConnectionString) { Password = "guess", Pooling = false }.ConnectionString);
            await stranger.OpenAsync();
        });

        await first.DisposeAsync();
        Runs(first).ShouldBeTrue("somebody is still there");
        await second.DisposeAsync();
        Runs(first).ShouldBeFalse();

        await using var again = await Start();
        (await Ask(again, "select count(*) from kept")).ShouldBe(0L);
        new NpgsqlConnectionStringBuilder(again.ConnectionString).Port.ShouldBe(new NpgsqlConnectionStringBuilder(first.ConnectionString).Port);
    }

    [Fact]
    public async Task A_killed_Boon_leaves_a_server_that_the_next_one_adopts()
    {
        var killed = BoonProcess.Start(new Dictionary<string, string>(), "hold-postgres", folder);
        await killed.Serving();
        await killed.Kill();
        await using var next = await Start();
        var pid = Postmaster(next);
        killed.Output.ShouldContain($"postmaster {pid}");
        await killed.DisposeAsync();
    }

    [Fact]
    public async Task After_everything_was_killed_it_recovers_what_was_committed()
    {
        var killed = BoonProcess.Start(new Dictionary<string, string>(), "hold-postgres", folder);
        await killed.Serving();
        await using (var look = await Start())
        {
            await Ask(look, "create table kept as select 42 as answer");
            var pid = Postmaster(look);
            await killed.Kill();
            using var kill = Process.Start("kill", ["-9", pid.ToString()]);
            await kill.WaitForExitAsync();
            await using var next = await Start();
            (await Ask(next, "select answer from kept")).ShouldBe(42);
            Postmaster(next).ShouldNotBe(pid);
        }
        await killed.DisposeAsync();
    }

    [Fact]
    public async Task Many_may_start_at_once_on_one_folder_and_share_a_server()
    {
        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Start()));
        all.Select(one => one.ConnectionString).Distinct().Count().ShouldBe(1);
        await Task.WhenAll(all.Select(one => one.DisposeAsync().AsTask()));
        Runs(all[0]).ShouldBeFalse();
    }

    [Fact]
    public async Task Two_folders_have_two_servers_and_a_taken_port_is_left_alone()
    {
        var first = await Start(Path.Combine(folder, "a"));
        var port = new NpgsqlConnectionStringBuilder(first.ConnectionString).Port;
        await first.DisposeAsync();
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, port);
        taken.Start();
        await using var again = await Start(Path.Combine(folder, "a"));
        await using var other = await Start(Path.Combine(folder, "b"));
        new NpgsqlConnectionStringBuilder(again.ConnectionString).Port.ShouldNotBe(port);
        Postmaster(again).ShouldNotBe(Postmaster(other));
    }

    [Fact]
    public async Task Missing_programs_are_one_clear_message_with_the_ways_to_get_them()
    {
        var error = await Should.ThrowAsync<PrivatePostgresException>(() => Start(binaries: "/nowhere"));
        error.Message.ShouldContain("Boon__Postgres__Binaries");
    }

    [Fact]
    public async Task As_root_data_that_the_user_postgres_cannot_reach_goes_elsewhere_and_is_announced()
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root's folders are unreadable to postgres here");
        var hidden = Path.Combine(folder, "hidden");
        Directory.CreateDirectory(hidden, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var postgres = await Start(Path.Combine(hidden, ".boon"));
        try
        {
            postgres.ClusterDirectory.ShouldStartWith("/var/lib/boon/");
            said.ShouldContain(line => line.Contains(postgres.ClusterDirectory, StringComparison.Ordinal) && line.Contains("cannot reach", StringComparison.Ordinal));
            (await Ask(postgres, "select 1")).ShouldBe(1);
        }
        finally
        {
            await postgres.DisposeAsync();
            Directory.Delete(postgres.ClusterDirectory, recursive: true);
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
