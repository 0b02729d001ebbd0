using System.Diagnostics;
using Boon.Platform.PrivatePostgres;
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
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.OtherExecute | UnixFileMode.OtherRead | UnixFileMode.GroupExecute | UnixFileMode.GroupRead);
    }

    private Task<PrivatePostgres> Start(string? other = null, string? binaries = null) =>
        PrivatePostgres.StartAsync(new PrivatePostgresOptions(other ?? folder, binaries), said.Add, CancellationToken.None);

    private static async Task<object?> Ask(PrivatePostgres postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static async Task Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string SocketOf(PrivatePostgres postgres) => new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Host!;

    private static int Postmaster(PrivatePostgres postgres) =>
        int.Parse(File.ReadLines(Path.Combine(postgres.ClusterDirectory, "data", "postmaster.pid")).First());

    /// <summary>A server removes its file as the last thing that it does.</summary>
    private static bool Runs(PrivatePostgres postgres) => File.Exists(Path.Combine(postgres.ClusterDirectory, "data", "postmaster.pid"));

    /// <summary>Npgsql calls what belongs to no named pool after its connection string, which is nobody's to read.</summary>
    [Fact]
    public async Task Metrics_of_a_process_that_made_it_name_pools_and_no_connection_string()
    {
        await using var boon = BoonProcess.Start(
            new Dictionary<string, string>(), "--fast-hash", "serve", "--urls", "http://127.0.0.1:0", "--data", folder);
        using var api = new Api(await boon.Serving());
        var metrics = (await api.Get("/metrics")).Text;
        metrics.ShouldContain("db_client_connection_count{");
        metrics.ShouldNotContain("Host=");
        metrics.ShouldNotContain("Username=");
    }

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
            await using var stranger = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(first.ConnectionString) { Password = "guess", Pooling = false }.ConnectionString);
            await stranger.OpenAsync();
        });

        await first.DisposeAsync();
        Runs(first).ShouldBeTrue("somebody is still there");
        await second.DisposeAsync();
        Runs(first).ShouldBeFalse();

        await using var again = await Start();
        (await Ask(again, "select count(*) from kept")).ShouldBe(0L);
    }

    [Fact]
    public async Task It_keeps_its_port_from_start_to_start()
    {
        // Between two starts somebody else may get the port, though hardly each time.
        var ports = new List<int>();
        for (var start = 0; start < 4; start++)
            await using (var postgres = await Start())
                ports.Add(new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Port);
        ports.Distinct().Count().ShouldBeLessThan(ports.Count);
    }

    [Fact]
    public async Task Boon_is_no_superuser_speaks_over_the_socket_and_tells_no_password_to_a_server_that_asks_for_it_in_the_clear()
    {
        await using var postgres = await Start();
        (await Ask(postgres,
            "select rolsuper or rolcreaterole or rolbypassrls or rolreplication from pg_roles where rolname = current_user"))
            .ShouldBe(false);
        (await Ask(postgres, "select inet_server_addr() is null")).ShouldBe(true);
        (await Ask(postgres, "select pg_get_userbyid(datdba) = current_user from pg_database where datname = current_database()"))
            .ShouldBe(true);
        foreach (var forbidden in (string[])[
            "copy (select 1) to program 'true'", "select pg_read_file('PG_VERSION')", "create role stranger superuser",
            "set session authorization boon_admin"])
            (await Should.ThrowAsync<PostgresException>(() => Ask(postgres, forbidden))).SqlState
                .ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
        File.GetUnixFileMode(SocketOf(postgres)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Somebody who has taken the server's place asks for the password as it is.
        using var impostor = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        impostor.Start();
        var heard = Task.Run(async () =>
        {
            using var client = await impostor.AcceptTcpClientAsync();
            await using var stream = client.GetStream();
            var buffer = new byte[4096];
            _ = await stream.ReadAsync(buffer);
            await stream.WriteAsync((byte[])[(byte)'R', 0, 0, 0, 8, 0, 0, 0, 3]); // AuthenticationCleartextPassword
            var said = new List<byte>();
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
                said.AddRange(buffer.AsSpan(0, read));
            return System.Text.Encoding.ASCII.GetString([.. said]);
        });
        var fooled = new NpgsqlConnectionStringBuilder(postgres.ConnectionString)
        {
            Host = "127.0.0.1", Port = ((System.Net.IPEndPoint)impostor.LocalEndpoint).Port, Pooling = false, SslMode = SslMode.Disable,
        };
        await Should.ThrowAsync<NpgsqlException>(async () =>
        {
            await using var connection = new NpgsqlConnection(fooled.ConnectionString);
            await connection.OpenAsync();
        });
        (await heard).ShouldNotContain(fooled.Password!);
    }

    [Fact]
    public async Task Its_log_tells_that_a_row_was_refused_and_not_whose()
    {
        await using var postgres = await Start();
        await Ask(postgres, "create table people (email text primary key); insert into people values ('ada@example.com')");
        await Should.ThrowAsync<PostgresException>(() => Ask(postgres, "insert into people values ('ada@example.com')"));
        await Should.ThrowAsync<PostgresException>(() =>
            Ask(postgres, "insert into people values ('ada@example.com') returning no_such_column"));
        var folder = Path.Combine(postgres.ClusterDirectory, "log");
        var log = await Eventually.Get(
            "the line", () =>
            Task.FromResult(
                string.Concat(Directory.GetFiles(folder).Select(File.ReadAllText)) is var text
                && text.Contains("no_such_column", StringComparison.Ordinal) ? text : null));
        log.ShouldContain("duplicate key value violates unique constraint");
        (log + await File.ReadAllTextAsync(Path.Combine(postgres.ClusterDirectory, "postgres.log"))).ShouldNotContain("ada@example.com");
        foreach (var file in Directory.GetFiles(folder))
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task A_cluster_whose_superuser_an_earlier_version_worked_as_is_put_right_while_that_version_runs()
    {
        // As that version made it: the superuser is boon, and so is the owner of everything.
        var user = new PostgresUser(Environment.UserName == "root");
        var binaries = await PostgresBinaries.FindAsync(null, null, CancellationToken.None);
        var home = Path.Combine(folder, "postgres");
        await user.MakeFolderAsync(home, CancellationToken.None);
        await user.WriteAsync(Path.Combine(home, "password"), "the password of that version", CancellationToken.None);
        async Task Run(string program, params string[] arguments)
        {
            var (status, output) = await user.RunAsync(Path.Combine(binaries, program), arguments, CancellationToken.None);
            status.ShouldBe(0, output);
        }
        await Run("initdb", "-D", Path.Combine(home, "data"), "-U", "boon", "-A", "scram-sha-256", "--pwfile="
            + Path.Combine(home, "password"), "-E", "UTF8", "--locale=C.UTF-8");
        // By its socket, whose name alone the port is: nobody else can have it.
        const int port = 5432;
        await Run("pg_ctl", "start", "-D", Path.Combine(home, "data"), "-l", Path.Combine(home, "postgres.log"), "-w", "-s", "-o",
            $"-p {port} -c listen_addresses= -c unix_socket_directories='{home}'");
        var old = new NpgsqlConnectionStringBuilder
            { Host = home, Port = port, Username = "boon", Password = "the password of that version", Database = "postgres",
            Pooling = false };
        await using (var first = new NpgsqlConnection(old.ConnectionString))
        {
            await first.OpenAsync();
            await Execute(first, "create database boon");
            await Execute(first, "create database boon_demo_left");
        }
        old.Database = "boon";
        await using var running = new NpgsqlConnection(old.ConnectionString);
        await running.OpenAsync();
        await Execute(running, """
            create schema identity;
            create table identity.users (id bigint generated always as identity primary key, name text unique);
            create table identity.parts (id int) partition by range (id);
            create table identity.part_one partition of identity.parts for values from (1) to (2);
            create view identity.names as select name from identity.users;
            create sequence identity.numbers;
            create function identity.one() returns int language sql as 'select 1';
            create type identity.mood as enum ('good');
            insert into identity.users (name) values ('ada');
            """);

        await using var postgres = await Start();
        said.ShouldContain(line => line.Contains("not as its superuser", StringComparison.Ordinal));
        (await Ask(postgres, "select rolsuper from pg_roles where rolname = current_user")).ShouldBe(false);
        (await Ask(postgres, """
            select count(*) from (
                select relowner as owner from pg_class where relnamespace = 'identity'::regnamespace
                union all select proowner from pg_proc where pronamespace = 'identity'::regnamespace
                union all select typowner from pg_type where typnamespace = 'identity'::regnamespace
                union all select nspowner from pg_namespace where nspname = 'identity'
                union all select datdba from pg_database where datname like 'boon%') owned
            where owner <> 'boon'::regrole
            """)).ShouldBe(0L);
        (await Ask(postgres, "select count(*) from pg_roles where rolname = 'boon_setup'")).ShouldBe(0L);
        await Ask(postgres, "alter table identity.users add column more int; insert into identity.users (name) values ('bob')");
        // A process of that version goes on, with the connection that it has and with new ones.
        await Execute(running, "insert into identity.users (name) values ('eve')");
        await using (var next = new NpgsqlConnection(old.ConnectionString))
        {
            await next.OpenAsync();
            await Execute(next, "insert into identity.users (name) values ('joe')");
        }
        (await Ask(postgres, "select count(*) from identity.names")).ShouldBe(4L);
        await using var beside = await Start();
        (await Ask(beside, "select count(*) from identity.users")).ShouldBe(4L);
        said.Count(line => line.Contains("not as its superuser", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Where_the_path_is_too_long_for_a_socket_its_folder_has_a_name_that_nobody_can_know()
    {
        var deep = Path.Combine(folder, string.Join('/', Enumerable.Repeat("a-folder-with-a-long-name", 5)));
        var sockets = new List<string>();
        for (var time = 0; time < 2; time++)
        {
            await using (var postgres = await Start(deep))
            {
                var socket = SocketOf(postgres);
                sockets.Add(socket);
                socket.ShouldMatch("^/tmp/boon-[0-9a-f]{16}$");
                File.GetUnixFileMode(socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                (await Ask(postgres, "select 1")).ShouldBe(1);
            }
            Directory.Exists(sockets[^1]).ShouldBeFalse();
        }
        sockets.Distinct().Count().ShouldBe(2);
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
            await Programs.RunAsync("kill", "-9", pid.ToString());
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
            said.ShouldContain(line => line.Contains(postgres.ClusterDirectory, StringComparison.Ordinal)
                && line.Contains("cannot reach", StringComparison.Ordinal));
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
