using Boon.Broker.Receiving;
using Boon.Broker.Transport;
using Boon.Platform.Log;

namespace Boon.Unit.Broker;

/// <summary>What a receiver makes of whatever a stream brings.</summary>
public sealed class StreamReadingTests
{
    private static readonly Guid Stream = Guid.CreateVersion7();
    private static readonly Guid Log = Guid.CreateVersion7();
    private const string Own = "boon-identity";

    private static LoggedEvent Event(long sequence) => new(
        "identity", sequence, Guid.CreateVersion7(), "test.v1", "test", "1", null, "{}"u8.ToArray(), DateTime.UnixEpoch, DateTime.UnixEpoch,
        null, null, null);

    private static ReceivedMessage Message(long offset, long? sequence, long shipped = 0, Guid? log = null, Guid? stream = null,
        string? by = Own) => new(offset, by, new LogMessage(
            stream ?? Stream, log ?? Log, sequence ?? shipped, Math.Max(shipped, sequence ?? 0), sequence is { } s ? Event(s) : null));

    private static StreamReading Reading(
        long last = 0, long offset = -1, Guid? log = null, bool first = true, long endOffset = 0, Guid? endLog = null) => new(
            new CopyState(last, log, first ? null : Stream, offset), new StreamEnd(Stream, endOffset, endLog ?? Log, 100), Own, first);

    [Fact]
    public void Events_are_taken_in_order_and_each_once()
    {
        var reading = Reading();
        var (first, second) = (Message(0, 1), Message(1, 2));
        foreach (var message in (ReceivedMessage[])[first, second, first with { Offset = 2 }, second with { Offset = 3 }, Message(4, 3)])
            reading.Take(message).ShouldBe(Verdict.Taken);
        reading.Fresh.Select(e => e.Sequence).ShouldBe([1, 2, 3]);
        reading.Known.ShouldBeEmpty("what is still to be written is compared at once");
        (reading.Last, reading.Offset).ShouldBe((3, 4));
        reading.Written();
        reading.Take(second with { Offset = 5 }).ShouldBe(Verdict.Taken);
        reading.Known.Select(e => e.Sequence).ShouldBe([2], "the copy's own is compared where it is");
    }

    [Fact]
    public void Before_missing_events_the_place_stays_until_they_come()
    {
        var reading = Reading(last: 1, offset: 10, log: Log, first: false);
        reading.Take(Message(11, 2)).ShouldBe(Verdict.Taken);
        reading.Take(Message(12, 4)).ShouldBe(Verdict.Ahead);
        reading.Take(Message(13, null, shipped: 4)).ShouldBe(Verdict.Ahead);
        (reading.Last, reading.Offset, reading.Early, reading.IsCurrent).ShouldBe((2, 11, 4L, false));
        reading.Take(Message(14, 2)).ShouldBe(Verdict.Taken);
        reading.Offset.ShouldBe(11);
        reading.Take(Message(15, 3)).ShouldBe(Verdict.Taken);
        reading.Take(Message(16, 4)).ShouldBe(Verdict.Taken);
        (reading.Last, reading.Offset, reading.Early, reading.IsCurrent).ShouldBe((4, 16, null, true));
    }

    [Fact]
    public void A_heartbeat_tells_of_events_that_the_stream_has_lost()
    {
        var reading = Reading();
        reading.Take(Message(0, null, shipped: 7)).ShouldBe(Verdict.Ahead);
        reading.Early.ShouldBe(7);
    }

    [Fact]
    public void Nobody_but_the_source_is_believed()
    {
        var reading = Reading();
        reading.Take(Message(0, 1, by: "boon-quests")).ShouldBe(Verdict.Foreign);
        reading.Take(Message(1, 1, by: "")).ShouldBe(Verdict.Foreign);
        reading.Take(new ReceivedMessage(2, Own, null, "it is no event")).ShouldBe(Verdict.Unreadable);
        reading.Fresh.ShouldBeEmpty();
        reading.Take(Message(3, 1, by: null)).ShouldBe(Verdict.Taken);
        (reading.Last, reading.Offset).ShouldBe((1, 3));
    }

    [Fact]
    public void Another_stream_is_read_from_its_first_message()
    {
        Reading(last: 1, offset: 10, log: Log, first: false).Take(Message(11, 2, stream: Guid.CreateVersion7()))
            .ShouldBe(Verdict.AnotherStream);
        Reading(last: 1, log: Log).Take(Message(0, 2, stream: Guid.CreateVersion7())).ShouldBe(Verdict.Taken);
    }

    [Fact]
    public void An_older_log_is_passed_and_a_newer_one_stops()
    {
        var (old, next) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var reading = Reading(last: 1, log: Log, endOffset: 5);
        reading.Take(Message(0, 1, log: old)).ShouldBe(Verdict.Old);
        reading.Take(Message(1, 2)).ShouldBe(Verdict.Taken);
        reading.Take(Message(6, 3, log: next)).ShouldBe(Verdict.AskEnd);
        reading.End = new StreamEnd(Stream, 6, next, 3);
        reading.Take(Message(6, 3, log: next)).ShouldBe(Verdict.AnotherLog);
        reading.Take(Message(6, 3, log: old)).ShouldBe(Verdict.Old);
    }

    [Fact]
    public void A_new_copy_takes_the_newest_log()
    {
        var next = Guid.CreateVersion7();
        var reading = Reading(endOffset: 5, endLog: next);
        reading.Take(Message(0, 1)).ShouldBe(Verdict.Old);
        reading.Take(Message(1, 1, log: next)).ShouldBe(Verdict.Taken);
        reading.LogId.ShouldBe(next);
    }
}
