using Boon.Broker;
using Boon.Broker.Receiving;
using Boon.Contracts;
using Boon.Platform;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios.Brokers;

/// <summary>A copy holds exactly its source's log, whatever the stream brings and whatever fails when.</summary>
[Collection("Defences")]
public sealed class CopyGuaranteeTests
{
    [Theory, Defended(nameof(BrokerDefences.OwnPublisher))]
    public Task A_message_of_somebody_else_is_refused(DefendedRun run) => Show(run, async copy =>
    {
        await copy.PublishAsync(copy.Log.Messages(1, 1), TestRabbit.Second);
        var genuine = copy.Log.Messages(1, 3);
        await copy.PublishAsync(genuine);
        copy.Receive();
        await Eventually.Holds("an end", async () => await copy.LastAsync() == 3 || await IsStoppedAsync(copy));
        (await copy.ScalarAsync<Guid[]>($"select coalesce(array_agg(id order by position), '{{}}') from {copy.Place.Schema}.event_log"))
            .ShouldBe(genuine.Select(message => message.Event!.Id));
    });

    [Theory, Defended(nameof(BrokerDefences.CopyInOrder))]
    public Task What_comes_too_early_is_written_in_its_turn(DefendedRun run) => Show(run, async copy =>
    {
        var all = copy.Log.Messages(1, 4);
        await copy.PublishAsync([all[0], all[1], all[3], all[2], all[3]]);
        copy.Receive();
        await Eventually.Holds("an end", async () => await copy.LastAsync() == 4 || await IsStoppedAsync(copy));
        (await copy.CountAsync()).ShouldBe(4);
    });

    [Theory, Defended(nameof(BrokerDefences.CopyAtOnce))]
    public Task Who_dies_between_the_messages_and_the_commit_loses_nothing(DefendedRun run) => Show(run, async copy =>
    {
        using var fault = Fails("receive");
        await copy.PublishAsync(copy.Log.Messages(1, 3));
        copy.Receive();
        await fault.Happened.WaitAsync(Eventually.Longest);
        // What comes later shows at once that something is missing.
        await copy.PublishAsync(copy.Log.Messages(4, 1));
        await Eventually.Holds("an end", async () => await copy.LastAsync() == 4 || await IsStoppedAsync(copy));
        (await copy.CountAsync()).ShouldBe(4);
    });

    [Theory, Defended(nameof(BrokerDefences.GapStops))]
    public Task Missing_events_are_waited_for_and_reported(DefendedRun run) => Show(run, async copy =>
    {
        var all = copy.Log.Messages(1, 5);
        await copy.PublishAsync([all[0], all[1], all[4]]);
        copy.Receive();
        await Eventually.Holds("an end", async () => await copy.LastAsync() == 5 || await IsStoppedAsync(copy));
        (await copy.LastAsync()).ShouldBe(2);
        (await copy.TroubleAsync()).ShouldBe("the stream lacks the events from 3 to 4");
        await copy.PublishAsync(all[1..]); // boon ship --from 1
        await copy.HasAsync(5);
        (await copy.CountAsync()).ShouldBe(5);
        (await copy.ScalarAsync<bool>($"select trouble is null from {copy.Place.Schema}.received")).ShouldBeTrue();
    });

    [Theory, Defended(nameof(BrokerDefences.ConfirmsFirst))]
    public Task What_was_not_confirmed_is_published_again(DefendedRun run) => Show(run, async copy =>
    {
        using var fault = Fails("ship");
        await copy.AppendAsync(3);
        copy.Ship();
        await fault.Happened.WaitAsync(Eventually.Longest);
        // What comes later is published in any case, so that nobody waits for what was left out.
        await copy.AppendAsync(1);
        await Eventually.Holds("the end of the stream", async () => await copy.StreamEndAsync() == 4);
        var log = await copy.Log.ReadAllAsync(copy.Transport);
        log.Select(message => message.Message!.Event?.Sequence).OfType<long>().ShouldBe([1, 2, 3, 4]);
    });

    [Theory, Defended(nameof(BrokerDefences.ErasedCopies))]
    public Task What_the_source_has_erased_is_erased_in_the_copy(DefendedRun run) => Show(run, async copy =>
    {
        var user = Guid.CreateVersion7();
        var log = copy.Log.Messages(1, 2).Select(message => message with
        {
            Event = message.Event! with
            {
                UserId = user, Type = message.Event.Sequence == 1 ? "external.visit.v1" : ReportsErased.Name,
                Payload = """{"a":1}"""u8.ToArray(),
            },
        }).ToArray();
        await copy.PublishAsync(log);
        copy.Receive();
        await copy.HasAsync(2);
        (await copy.ScalarAsync<string[]>($"select array_agg(payload::text order by position) from {copy.Place.Schema}.event_log"))
            .ShouldBe([ReportedData.Nothing, """{"a":1}"""]);
    });

    [Fact]
    public async Task Another_log_stops_the_copy_until_it_is_accepted()
    {
        await using var copy = await TestCopy.CreateAsync();
        var log = copy.Log.Messages(1, 5);
        await copy.PublishAsync(log);
        copy.Receive();
        await copy.HasAsync(5);
        // Restored to its third event, the log has a new id and goes on with other events.
        var next = copy.Log.Messages(4, 3).Select(message => message with { LogId = Guid.CreateVersion7() }).ToArray();
        next = [.. log[..3].Select(message => message with { LogId = next[0].LogId }),
            .. next.Select(message => message with { LogId = next[0].LogId })];
        await copy.PublishAsync(next);
        (await copy.TroubleAsync()).ShouldContain($"its log has the id {next[0].LogId} now");
        (await AcceptAsync(copy, null)).ShouldBeNull();
        // It is read again, and the first event that is another one is found.
        (await Eventually.Get("the place", async () => await copy.TroubleAsync() is { } text && text.Contains("sequence") ? text : null))
            .ShouldBe("it has another event with the sequence 4 now; the last that both may have is 3");
        (await AcceptAsync(copy, null)).ShouldNotBeNull("nobody has said from where");
        (await AcceptAsync(copy, 3)).ShouldBeNull();
        await copy.HasAsync(6);
        (await copy.ScalarAsync<Guid[]>($"select array_agg(id order by position) from {copy.Place.Schema}.event_log"))
            .ShouldBe(log[..3].Concat(next[3..]).Select(message => message.Event!.Id));
    }

    [Fact]
    public async Task A_broker_that_loses_its_data_is_filled_again()
    {
        await using var rabbit = await TestRabbit.OwnAsync();
        await using var copy = await TestCopy.CreateAsync(rabbit);
        copy.Ship();
        copy.Receive();
        await copy.AppendAsync(1_000);
        await copy.HasAsync(1_000);
        await rabbit.KillAsync();
        await copy.AppendAsync(500);
        await rabbit.RestartAsync();
        await copy.HasAsync(1_500);
        await rabbit.KillAsync();
        rabbit.Wipe();
        await copy.AppendAsync(500);
        await rabbit.RestartAsync();
        await copy.HasAsync(2_000);
        await copy.EqualsLogAsync();
    }

    [Fact]
    public async Task A_log_is_published_again_from_where_somebody_says()
    {
        await using var copy = await TestCopy.CreateAsync();
        copy.Ship();
        await copy.AppendAsync(10);
        await Eventually.Holds("the stream", async () => await copy.StreamEndAsync() == 10);
        await Boon.Broker.Shipping.ShippedLog.SetBackAsync(copy.Source, 7, CancellationToken.None);
        await Eventually.Holds("the events again", async () => (await copy.Log.ReadAllAsync(copy.Transport))
            .Select(message => message.Message!.Event?.Sequence).OfType<long>().Count() == 13);
        copy.Receive();
        await copy.HasAsync(10);
        await copy.EqualsLogAsync();
    }

    private static async Task Show(DefendedRun run, Func<TestCopy, Task> check)
    {
        var longest = CopyReceiver.LongestGap;
        CopyReceiver.LongestGap = TimeSpan.FromMilliseconds(100);
        using var switched = run.InThisProcess();
        try
        {
            await using var copy = await TestCopy.CreateAsync();
            await Guarantee.Show(run.Defended, () => check(copy));
        }
        finally
        {
            CopyReceiver.LongestGap = longest;
        }
    }

    private static Task<bool> IsStoppedAsync(TestCopy copy) =>
        copy.ScalarAsync<bool>($"select trouble is not null from {copy.Place.Schema}.received");

    private static async Task<string?> AcceptAsync(TestCopy copy, long? from)
    {
        await using var connection = await copy.Source.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var stays = await CopyEpochs.AcceptAsync(connection, copy.Place, from, CancellationToken.None);
        await transaction.CommitAsync();
        return stays;
    }

    /// <summary>Fails once at a fault point, as a process that dies there.</summary>
    private static Undo Fails(string point)
    {
        var happened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        FaultPoints.Reached = reached =>
        {
            if (reached == point && happened.TrySetResult())
                throw new NpgsqlException("The test ends this turn here.");
        };
        return new Undo(happened.Task, () => FaultPoints.Reached = null);
    }

    private sealed class Undo(Task happened, Action undo) : IDisposable
    {
        internal Task Happened => happened;

        public void Dispose() => undo();
    }
}
