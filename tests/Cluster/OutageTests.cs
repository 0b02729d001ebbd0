using System.Net;
using System.Net.Sockets;
using Boon.Support;
using Npgsql;

namespace Boon.Cluster;

/// <summary>The database goes away and comes back: Boon waits, says so once, and goes on.</summary>
public sealed class OutageTests
{
    [Fact]
    public async Task A_database_that_goes_away_is_said_once_waited_for_and_said_once_when_it_is_back()
    {
        var database = await TestServer.CreateMigratedAsync();
        using var way = new Way(database);
        var folder = Directory.CreateTempSubdirectory("boon-outage-").FullName;
        var settings = new Dictionary<string, string>
            { ["ConnectionStrings__Boon"] = way.ConnectionString, ["Boon__Operator__Password"] = "operator of the tests",
            ["Boon__Log__Requests"] = "false" };
        await using (var boon = BoonProcess.Start(
            settings, "--fast-hash", "serve", "--wait", "--urls", "http://127.0.0.1:0", "--data", folder))
        {
            // It starts before its database.
            await Eventually.Holds(
                "the process to wait", () => Task.FromResult(boon.Output.Contains("Waiting for the database", StringComparison.Ordinal)));
            way.Open();
            using var api = new Api(await boon.Serving());
            var token = await api.SignIn("operator", "operator of the tests");
            await Eventually.Holds("it to be ready", async () => (await api.Get("/health/ready")).Code == 200);

            way.Close();
            await Eventually.Holds(
                "the line", () => Task.FromResult(boon.Output.Contains("does not answer; all work on it waits", StringComparison.Ordinal)));
            for (var i = 0; i < 20; i++)
            {
                var refused = await api.Put("/v1/coupon-types/AWAY", new { perUser = 1 }, token);
                (refused.Code, refused.Problem).ShouldBe((503, "database-unavailable"));
                refused.Headers.RetryAfter.ShouldNotBeNull();
            }
            var ready = await api.Get("/health/ready");
            (ready.Code, ready.Problem).ShouldBe((503, "database-unavailable"));
            (await api.Get("/health/live")).Code.ShouldBe(200);

            way.Open();
            await Eventually.Holds(
                "it to be back", async () => (await api.Put("/v1/coupon-types/BACK", new { perUser = 1 }, token)).Code < 300
                && (await api.Get("/health/ready")).Code == 200);
            await Eventually.Holds("the line", () => Task.FromResult(boon.Output.Contains(" is back after ", StringComparison.Ordinal)));
            Lines(boon, " WRN ").ShouldHaveSingleItem(boon.Output).ShouldContain("all work on it waits");
            Lines(boon, " ERR ").ShouldBeEmpty();
            Lines(boon, " is back after ").Count.ShouldBe(1);

            // After a failover: it answers and takes no writes.
            await using var admin = NpgsqlDataSource.Create(database);
            await ExecuteAsync(admin,
                $"alter database {new NpgsqlConnectionStringBuilder(database).Database} set default_transaction_read_only = on");
            await ExecuteAsync(admin,
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
            await Eventually.Holds(
                "a refusal", async () =>
                (await api.Put("/v1/coupon-types/READ-ONLY", new { perUser = 1 }, token)).Problem == "database-unavailable"
                && boon.Output.Contains("is read-only", StringComparison.Ordinal));
            (await api.Get("/health/ready")).Body.GetProperty("detail").GetString().ShouldBe("The database is read-only.");
            await ExecuteAsync(admin, $"begin read write; alter database {new NpgsqlConnectionStringBuilder(database).Database} reset "
                + $"default_transaction_read_only; commit");
            await ExecuteAsync(admin,
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
            await Eventually.Holds(
                "it to take writes", async () => (await api.Put("/v1/coupon-types/AGAIN", new { perUser = 1 }, token)).Code < 300
                && (await api.Get("/health/ready")).Code == 200);
        }
        Directory.Delete(folder, recursive: true);
        way.Close();
        await TestServer.DropDatabaseAsync(database);
    }

    private static List<string> Lines(BoonProcess boon, string text) =>
        [.. boon.Output.Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal))];

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A way to the database that can be closed: a port that hands bytes on, both ways.</summary>
    private sealed class Way : IDisposable
    {
        private readonly NpgsqlConnectionStringBuilder server;
        private readonly List<IDisposable> ends = [];
        private readonly Lock gate = new();

        /// <summary>While it does not listen, callers are refused, and nobody else gets the port.</summary>
        private Socket near = Bound(0);

        internal Way(string database) => server = new NpgsqlConnectionStringBuilder(database);

        private static Socket Bound(int port)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return socket;
        }

        private int Port => ((IPEndPoint)near.LocalEndPoint!).Port;

        internal string ConnectionString =>
            new NpgsqlConnectionStringBuilder(server.ConnectionString) { Host = "127.0.0.1", Port = Port }.ConnectionString;

        internal void Open()
        {
            near.Listen();
            _ = AcceptAsync(near);
        }

        internal void Close()
        {
            var port = Port;
            near.Dispose();
            near = Bound(port);
            lock (gate)
            {
                ends.ForEach(end => end.Dispose());
                ends.Clear();
            }
        }

        private async Task AcceptAsync(Socket from)
        {
            while (true)
                try
                {
                    var called = await from.AcceptAsync();
                    // Boon's private server is reached by its socket.
                    var far = server.Host!.StartsWith('/')
                        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                        : new Socket(SocketType.Stream, ProtocolType.Tcp);
                    lock (gate)
                        ends.AddRange([called, far]);
                    _ = HandOnAsync(called, far);
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    return;
                }
        }

        private async Task HandOnAsync(Socket called, Socket far)
        {
            try
            {
                await far.ConnectAsync(far.AddressFamily == AddressFamily.Unix
                    ? new UnixDomainSocketEndPoint($"{server.Host}/.s.PGSQL.{server.Port}")
                    : new DnsEndPoint(server.Host!, server.Port));
                await using NetworkStream calledStream = new(called), farStream = new(far);
                await Task.WhenAny(calledStream.CopyToAsync(farStream), farStream.CopyToAsync(calledStream));
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // one of the ends is gone
            }
            called.Dispose();
            far.Dispose();
        }

        public void Dispose()
        {
            Close();
            near.Dispose();
        }
    }
}
