using Boon.Broker.Receiving;
using Boon.Broker.Shipping;
using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Services;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios.Brokers;

/// <summary>
/// A log of a name of its own, its stream, and a copy of it in the same database: a shipper and a receiver without a host.
/// </summary>
internal sealed class TestCopy : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly List<Task> running = [];

    /// <summary>Nothing says where the source is.</summary>
    private readonly ModuleClient client = new(TestLog.Settings(), new ServicesSecret(TestLog.Settings()));
    private readonly string database;
    private readonly NpgsqlDataSource pool;
    private readonly TestRabbit rabbit;
    private readonly string publisher;

    private TestCopy(TestRabbit rabbit, string database, string publisher)
    {
        this.rabbit = rabbit;
        this.database = database;
        this.publisher = publisher;
        pool = NpgsqlDataSource.Create(database);
        Transport = TransportOf(TestRabbit.Anybody);
        var source = new ModuleDatabase(Log.Module, pool, pool);
        Place = new LogPlace(Log.Module, $"copy_{Log.Module}", source, LogReach.Copy);
        Source = source;
    }

    internal TestLog Log { get; } = TestLog.New();

    internal LogTransport Transport { get; }

    internal LogPlace Place { get; }

    internal ModuleDatabase Source { get; }

    /// <summary>A log and an empty copy; the receiver believes this broker user.</summary>
    internal static async Task<TestCopy> CreateAsync(TestRabbit? rabbit = null, string publisher = TestRabbit.Anybody)
    {
        var copy = new TestCopy(rabbit ?? await TestRabbit.SharedAsync(), await TestServer.CreateDatabaseAsync(), publisher);
        var name = copy.Log.Module;
        await copy.ExecuteAsync($"create schema {name};" + EventLogSchema.Create(name) + EventLogSchema.AddBy(name)
            + EventLogSchema.AddEpochs(name) + EventLogSchema.AddReason(name)
            + CopySchema.Create(copy.Place.Schema) + BrokerMigrations.Shipped(name));
        return copy;
    }

    /// <summary>A transport of a user who may write this stream, as far as his own settings say.</summary>
    internal LogTransport TransportOf(string user) => TestLog.Transport(
        ("Boon:Broker:Url", rabbit.Url(user)), ("Boon:Broker:Password", TestRabbit.Password),
        ($"Boon:Broker:Publishers:{Log.Module}", user));

    internal void Receive()
    {
        var receiver = new CopyReceiver(
            Place, Transport, publisher, new CopyFreshness(TimeProvider.System), new LogSignals(), client, TimeProvider.System,
            new TestOutputLogger<CopyReceiver>());
        running.Add(receiver.RunAsync(stop.Token));
    }

    internal void Ship()
    {
        var shipper = new Shipper(
            Source, Transport, new EventTypes([]), new LogSignals(), TimeProvider.System, new TestOutputLogger<Shipper>());
        running.Add(shipper.RunAsync(stop.Token));
    }

    /// <summary>Appends numbered events to the log.</summary>
    internal Task<int> AppendAsync(int count) => ExecuteAsync($"""
        with fresh as (
            insert into {Log.Module}.event_log (id, aggregatetype, aggregateid, type, payload)
            select gen_random_uuid(), 'test', n::text, 'test.v1', '{"{}"}' from generate_series(1, {count}) n
            returning position
        ), given as (
            insert into {Log.Module}.event_order
            select h.last + row_number() over (order by f.position), f.position, now()
            from fresh f, {Log.Module}.log_head h
        )
        update {Log.Module}.log_head set last = last + {count}
        """);

    /// <summary>Publishes as a user.</summary>
    internal async Task PublishAsync(IReadOnlyList<LogMessage> messages, string user = TestRabbit.Anybody)
    {
        await using var transport = TransportOf(user);
        await using var link = await transport.PublisherAsync(Log.Module, CancellationToken.None);
        await link.PublishAsync(messages, CancellationToken.None);
    }

    internal async Task<int> ExecuteAsync(string sql)
    {
        await using var command = pool.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    internal async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = pool.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal Task<long> LastAsync() => ScalarAsync<long>($"select last from {Place.Schema}.log_head");

    internal Task HasAsync(long last) => Eventually.Holds($"event {last} in the copy", async () => await LastAsync() >= last);

    internal Task<string> TroubleAsync() => Eventually.Get("trouble", async () =>
        await ScalarAsync<string>($"select coalesce(trouble, '') from {Place.Schema}.received") is { Length: > 0 } text ? text : null);

    /// <summary>The copy has the events of the log, each at its place, and nothing else.</summary>
    internal async Task EqualsLogAsync() => (await ScalarAsync<bool>($"""
        select not exists (
            select
            from (
                select o.sequence, l.id, l.payload::text, l.time, o.recordedat
                from {Log.Module}.event_order o
                join {Log.Module}.event_log l on l.position = o.position) source
            full join (select position as sequence, id, payload::text, time, recordedat from {Place.Schema}.event_log) copy
                on copy = source
            where source is null or copy is null)
        """)).ShouldBeTrue();

    /// <summary>The last sequence in the stream; -1: there is no stream, or it is only just being made.</summary>
    internal async Task<long> StreamEndAsync()
    {
        try
        {
            return (await Transport.EndAsync(Log.Module, CancellationToken.None))?.Sequence ?? -1;
        }
        catch (BrokerException)
        {
            return -1;
        }
    }

    internal Task<long> CountAsync() => ScalarAsync<long>($"select count(*) from {Place.Schema}.event_log");

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
        await Transport.DisposeAsync();
        client.Dispose();
        await pool.DisposeAsync();
        await TestServer.DropDatabaseAsync(database);
        stop.Dispose();
    }
}
