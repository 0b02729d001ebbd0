using Boon.Platform;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>Requests and the work behind them have connections of their own.</summary>
[Collection("Defences")]
public sealed class ConnectionTests
{
    [Theory]
    [Defended(nameof(Defences.PoolsApart))]
    public async Task Events_are_numbered_and_handled_while_requests_hold_every_connection_of_theirs(DefendedRun run)
    {
        TestBoon starting;
        using (run.InThisProcess())
            starting = await TestBoon.StartAsync();
        await using var boon = starting;
        await Guarantee.Show(run.Defended, () => CheckAsync(boon, run.Defended));
    }

    private static async Task CheckAsync(TestBoon boon, bool defended)
    {
        await boon.CaughtUp();
        var pool = boon.Services.GetRequiredService<Databases>().Of("identity").Source;
        var most = new NpgsqlConnectionStringBuilder(pool.ConnectionString).MaxPoolSize;
        await using var taken = new TakenConnections();
        for (var i = 0; i < most; i++)
            await taken.TakeAsync(pool, defended);
        await boon.Execute("""
            insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid)
            values (gen_random_uuid(), 'test', 't', 'test.step.v1', '{}', gen_random_uuid())
            """);
        await boon.CaughtUp(within: defended ? null : TimeSpan.FromSeconds(8));
        await boon.Ready();
        if (defended)
            await LoopsAsync(boon);
    }

    /// <summary>
    /// What loops do now and then takes no connection of requests either: a signing key, and the catalog that another process has changed.
    /// </summary>
    private static async Task LoopsAsync(TestBoon boon)
    {
        await boon.Execute("update identity.signing_keys set signs_until = now()");
        await boon.Services.GetRequiredService<Identity.Keys.SigningKeys>().LoadOrCreateAsync(CancellationToken.None);
        await boon.Execute("update quests.catalog_version set version = version + 1");
        await boon.Services.GetRequiredService<Quests.Catalog.CatalogReader>().RefreshAsync(CancellationToken.None);
    }

    /// <summary>
    /// A network that went away without a word, or a frozen client that does not read, is noticed by the server and by the client.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_connection_asks_the_server_and_its_own_side_whether_the_other_is_there(bool background)
    {
        await using var boon = await TestBoon.StartModulesAsync(["identity"]);
        var database = boon.Services.GetRequiredService<Databases>().Of("identity");
        var pool = background ? database.Background : database.Source;
        // What the session was started with: a connection by a socket of the machine shows 0 for each.
        var settings = await pool.Command("select name, reset_val from pg_settings where name like 'tcp%' order by name")
            .ReadAllAsync(row => $"{row.GetString(0)}={row.GetString(1)}", CancellationToken.None);
        settings.ShouldBe(
            ["tcp_keepalives_count=3", "tcp_keepalives_idle=10", "tcp_keepalives_interval=3", "tcp_user_timeout=10000"]);
        var client = new NpgsqlConnectionStringBuilder(pool.ConnectionString);
        var bySocket = client.Host is ['/' or '@', ..];
        (client.TcpKeepAlive, client.TcpKeepAliveTime, client.TcpKeepAliveInterval).ShouldBe(bySocket ? (false, 0, 0) : (true, 10, 3));
    }

    /// <summary>
    /// The database of a source is away: that is said once, of the source; its reader tries again and says nothing, and its own database is
    /// not taken for away.
    /// </summary>
    [Fact]
    public async Task A_source_that_is_away_is_said_once_and_is_not_taken_for_the_readers_database()
    {
        await using var boon = await TestBoon.StartModulesAsync(["identity"]);
        using var said = new LaneChangeTests.Said();
        await using var databases = new Databases(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["ConnectionStrings:Boon"] = boon.Database,
                ["ConnectionStrings:orders"] = "Host=127.0.0.1;Port=1;Database=nowhere;Username=nobody;Password=none",
            }).Build(), said);
        var (own, source) = (databases.Of("promotions"), databases.Of("orders"));
        var place = new LogPlace("orders", "orders", source, LogReach.Away);
        var retries = 0;
        for (var i = 0; i < 3; i++)
        {
            var error = await Should.ThrowAsync<TimeoutException>(() => place.AskAsync(async () =>
            {
                await using var connection = await source.Background.OpenConnectionAsync();
                return connection.ProcessID;
            }));
            await databases.Outages.PauseAsync(
                own.Background, error, new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)), _ => retries++,
                CancellationToken.None);
        }
        databases.Outages.Reason(source.Background).ShouldBe("does not answer");
        databases.Outages.Reason(own.Background).ShouldBeNull();
        said.Errors.Count(line => line.StartsWith("database-away", StringComparison.Ordinal)).ShouldBe(1);
        retries.ShouldBe(0);
    }

    [Fact]
    public async Task Lanes_that_do_not_fit_into_the_connections_are_refused_at_start()
    {
        var refused = await Should.ThrowAsync<Platform.SetupException>(() =>
            TestBoon.StartAsync(("Boon:Subscriptions:quests.track-progress:Lanes", "64")));
        refused.Message.ShouldContain("Maximum Pool Size=");
        refused.Message.ShouldContain("fewer lanes");
    }

    [Fact]
    public async Task A_process_that_may_open_more_connections_than_the_server_takes_says_so()
    {
        var database = await TestServer.CreateDatabaseAsync();
        // As many as Npgsql lets a pool have; the server of the tests takes 1,000.
        await using (var boon = await TestBoon.StartOnAsync(
            new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 1_024 }.ConnectionString, ("Boon:Log:Level", "Warning")))
            await Eventually.Holds(
                "the word", () =>
                Task.FromResult(boon.LogLines().Exists(line => line.Contains("\"too-many-connections\"", StringComparison.Ordinal))));
        await TestServer.DropDatabaseAsync(database);
    }

    /// <summary>
    /// As a dump does, somebody holds a table that a migration changes; whoever comes after must not wait behind the migration.
    /// </summary>
    [Fact]
    public async Task A_migration_gives_way_to_who_holds_its_table()
    {
        await using var boon = await TestBoon.StartAsync();
        var identity = boon.Services.GetServices<ModuleMigrations>().Single(module => module.Module == "identity");
        await boon.Execute("delete from identity.migrations where \"MigrationId\" like '%_KeysByLocation'");
        await using var source = NpgsqlDataSource.Create(boon.Database);
        await using var dump = await source.OpenConnectionAsync();
        var holding = await dump.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table identity.migrations in access share mode", dump))
            await hold.ExecuteNonQueryAsync();

        var applying = identity.ApplyAsync(CancellationToken.None);
        const string waits = "select exists (select from pg_locks where relation = 'identity.migrations'::regclass and not granted)";
        await Eventually.Holds("a migration that waits", () => boon.Scalar<bool>(waits));
        await Eventually.Holds("a migration that gave way", async () => !await boon.Scalar<bool>(waits));
        applying.IsCompleted.ShouldBeFalse();
        await holding.RollbackAsync();
        (await applying).ShouldHaveSingleItem().ShouldEndWith("_KeysByLocation");
    }

    /// <summary>However many keys and letters are over, one run of housekeeping deletes them all.</summary>
    [Fact]
    public async Task Housekeeping_deletes_everything_that_is_over()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.Execute("""
            insert into identity.idempotency_keys (caller, route, key, body_hash, created_at)
            select 'c', 'r', n::text, '', now() - case when n <= 2500 then interval '25 hours' else interval '1 hour' end
            from generate_series(1, 2510) n
            """);
        await boon.Execute("""
            insert into identity.dead_letters (id, subscription, source, sequence, event_id, event_type, error, attempts, redriven_at)
            select gen_random_uuid(), 's', 'x', n, gen_random_uuid(), 't', 'e', 3, case n when 1 then now() - interval '31 days'
            when 2 then now() end from generate_series(1, 3) n
            """);
        await boon.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Housekeeping>().First()
            .RunAsync(CancellationToken.None);
        (await boon.Scalar<long>("select count(*) from identity.idempotency_keys where caller = 'c'")).ShouldBe(10);
        (await boon.Scalar<long>("select count(*) from identity.dead_letters")).ShouldBe(2);
    }

    /// <summary>
    /// Connections of a pool, given back at the end. Without the defence the background holds some: whoever waits for those gets them
    /// later.
    /// </summary>
    private sealed class TakenConnections : IAsyncDisposable
    {
        private readonly List<NpgsqlConnection> open = [];
        private readonly List<Task<NpgsqlConnection>> waiting = [];

        internal async Task TakeAsync(NpgsqlDataSource pool, bool all)
        {
            if (all)
                open.Add(await pool.OpenConnectionAsync());
            else
                waiting.Add(pool.OpenConnectionAsync().AsTask());
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var one in waiting)
                try
                {
                    open.Add(await one);
                }
                catch (NpgsqlException)
                {
                    // it was never given
                }
            foreach (var connection in open)
                await connection.DisposeAsync();
        }
    }
}
