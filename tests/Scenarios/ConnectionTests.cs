using Boon.Platform.Data;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>Requests and the work behind them have connections of their own.</summary>
[Collection("Defences")]
public sealed class ConnectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Events_are_numbered_and_handled_while_requests_hold_every_connection_of_theirs(bool defended)
    {
        FaultHost.FaultyBoon.TakeOut(nameof(Platform.Defences.PoolsApart), on: defended);
        TestBoon starting;
        try
        {
            starting = await TestBoon.StartAsync();
        }
        finally
        {
            FaultHost.FaultyBoon.TakeOut(nameof(Platform.Defences.PoolsApart), on: true);
        }
        await using var boon = starting;
        await Guarantee.Show(defended, () => CheckAsync(boon, defended));
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
        (await boon.Api.Get("/health/ready")).Code.ShouldBe(200);
    }

    [Fact]
    public async Task Lanes_that_do_not_fit_into_the_connections_are_refused_at_start()
    {
        var refused = await Should.ThrowAsync<Platform.SetupException>(() => TestBoon.StartAsync(("Boon:Subscriptions:quests.track-progress:Lanes", "64")));
        refused.Message.ShouldContain("Maximum Pool Size=");
        refused.Message.ShouldContain("fewer lanes");
    }

    /// <summary>Connections of a pool, given back at the end. Without the defence the background holds some: whoever waits for those gets them later.</summary>
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
