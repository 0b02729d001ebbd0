using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Services;

namespace Boon.Broker.Receiving;

/// <summary>
/// Receives a copy of another database's log. One process does it for each copy, whatever their number: the one with the lock. It writes
/// the events in the order of their sequences, each once, whatever the stream brings: twice, too early, from another stream, from somebody
/// else. Where events are missing it waits until they come, and says so.
/// </summary>
internal sealed partial class CopyReceiver(
    LogPlace copy, LogTransport transport, string publisher, CopyFreshness freshness, LogSignals signals, ModuleClient client,
    TimeProvider time, ILogger<CopyReceiver> logger)
{
    /// <summary>At the end of a stream, events that are missing for so long are reported.</summary>
    internal static TimeSpan LongestGap { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>From one look of a process that does not receive to the next; and how long one that waits for something rests.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Who does not receive learns so late how fresh the copy is.</summary>
    private static readonly TimeSpan BetweenPlaces = TimeSpan.FromSeconds(5);

    /// <summary>Events that are written in one transaction.</summary>
    internal const int MostWritten = 5_000;

    private readonly CopyTables tables = new(copy, signals);
    private readonly CopyFiller filler = new(copy, client, signals, logger);
    private readonly Backoff away = new();
    private bool said;
    private long placed;

    /// <summary>Receives until the token is cancelled.</summary>
    internal Task RunAsync(CancellationToken ct) => copy.Database.Loops.RepeatAsync(
        () => TurnAsync(ct), (error, _) => LogFailed(logger, copy.Source, error.Message), ct);

    private async Task TurnAsync(CancellationToken ct)
    {
        await using var session = await LiveSession.TryTakeAsync(copy.Database.Background, $"boon:receive:{copy.Source}", ct);
        if (session is null)
        {
            await using (var connection = await copy.Database.Background.OpenConnectionAsync(ct))
                if ((await tables.ReadAsync(connection, ct)).CurrentAgo is { } ago)
                    freshness.Note(copy, ago);
            await Task.Delay(Look, time, ct);
            return;
        }
        // What a crash of the server loses is received again; and who has read it has not committed either.
        await session.Connection.Command("set synchronous_commit = off").ExecuteAsync(ct);
        while (true)
            try
            {
                await ReceiveAsync(session, ct);
            }
            catch (BrokerException error)
            {
                if (!said)
                    LogAway(logger, copy.Source, error.Message);
                said = true;
                await session.WaitAsync(Task.Delay(away.Next(), time, ct), ct);
            }
    }

    /// <summary>Receives until the stream has to be opened again.</summary>
    private async Task ReceiveAsync(LiveSession session, CancellationToken ct)
    {
        var state = await tables.ReadAsync(session.Connection, ct);
        if (state.CurrentAgo is { } ago)
            freshness.Note(copy, ago);
        if (state.Offered is not null || await session.WaitAsync(transport.EndAsync(copy.Source, ct), ct) is not { } end)
        {
            await session.WaitAsync(Task.Delay(Look, time, ct), ct); // until it is accepted, or something is published
            return;
        }
        // Another stream, or the same one begun anew: what the copy has is read again and passed.
        var after = end.Stream == state.Stream && end.Offset >= state.Offset ? state.Offset : -1;
        await using var consumer = await session.WaitAsync(transport.ConsumerAsync(copy.Source, after, ct), ct);
        if (said)
            LogBack(logger, copy.Source);
        said = false;
        away.Reset();
        var reading = new StreamReading(state, end, publisher, fromFirst: after < 0);
        var gap = new Gap(time);
        while (true)
        {
            var next = consumer.NextAsync(ct).AsTask();
            if (!next.IsCompleted)
                await RestAsync(session, reading, ct);
            while (!next.IsCompleted)
            {
                await session.WaitAsync(Task.WhenAny(next, Task.Delay(Look, time, ct)), ct);
                if (gap.IsLong(reading) && await ReportAsync(session, reading, state, gap, ct))
                    return;
            }
            foreach (var message in await next)
            {
                if (!await TakeAsync(session, reading, state, message, ct))
                    return;
                if (reading.Fresh.Count == MostWritten)
                    state = await WriteAsync(session, reading, state, ct);
            }
            var known = reading.Known.Count > 0;
            if ((known || reading.Fresh.Count > 0) && (state = await WriteAsync(session, reading, state, ct)).Offered is not null)
                return;
            if (known || reading.Early is null)
                gap.Reset(); // what is missing may be on its way
            if (gap.IsLong(reading) && await ReportAsync(session, reading, state, gap, ct))
                return;
        }
    }

    /// <summary>Deals with a message; false: the stream has to be opened again.</summary>
    private async Task<bool> TakeAsync(
        LiveSession session, StreamReading reading, CopyState state, ReceivedMessage message, CancellationToken ct)
    {
        var verdict = reading.Take(message);
        while (verdict == Verdict.AskEnd)
        {
            reading.End = await session.WaitAsync(transport.EndAsync(copy.Source, ct), ct)
                ?? throw new BrokerException($"The stream of {copy.Source} is gone.");
            if (reading.End.Offset < message.Offset)
                await session.WaitAsync(Task.Delay(Look, time, ct), ct);
            verdict = reading.Take(message);
        }
        switch (verdict)
        {
            case Verdict.Foreign:
                CopyMetrics.Refused(copy.Source);
                LogForeign(logger, copy.Source, message.Offset, message.Publisher!, publisher);
                break;
            case Verdict.Unreadable:
                CopyMetrics.Refused(copy.Source);
                LogUnreadable(logger, copy.Source, message.Offset, message.Fault);
                break;
            case Verdict.AnotherLog:
                if (reading.Fresh.Count + reading.Known.Count > 0 && (await WriteAsync(session, reading, state, ct)).Offered is not null)
                    return false;
                var trouble = $"its log has the id {message.Message!.LogId} now, and the copy is of {reading.LogId}";
                await StopAsync(session, trouble, message.Message.LogId, ct);
                return false;
            case Verdict.AnotherStream:
                if (reading.Fresh.Count + reading.Known.Count > 0)
                    await WriteAsync(session, reading, state, ct);
                return false;
        }
        return true;
    }

    private async Task<CopyState> WriteAsync(LiveSession session, StreamReading reading, CopyState state, CancellationToken ct)
    {
        if (reading.Known.Count > 0 && await tables.DifferentAsync(session.Connection, reading.Known, ct) is { } different)
        {
            await StopAsync(session, $"it has another event with the sequence {different} now; the last that both may have is "
                + $"{different - 1}", reading.LogId, ct);
            return state with { Offered = reading.LogId };
        }
        if (reading.Fresh.Count > 0)
        {
            await tables.WriteAsync(
                session.Connection, state, reading.LogId, reading.Fresh, reading.Stream, reading.Offset, reading.SourceHead, ct);
            state = state with { Last = reading.Last, LogId = reading.LogId };
        }
        reading.Written();
        return state;
    }

    /// <summary>Nothing more has come: if the last message says so, the copy holds everything at this moment.</summary>
    private async Task RestAsync(LiveSession session, StreamReading reading, CancellationToken ct)
    {
        if (reading.IsCurrent)
            freshness.Note(copy, TimeSpan.Zero);
        if (!reading.Heard || (placed != 0 && time.GetElapsedTime(placed) < BetweenPlaces))
            return;
        await tables.PlaceAsync(session.Connection, reading.Stream, reading.Offset, reading.SourceHead, reading.IsCurrent, ct);
        placed = time.GetTimestamp();
    }

    private async Task StopAsync(LiveSession session, string trouble, Guid offered, CancellationToken ct)
    {
        await tables.TroubleAsync(session.Connection, trouble, offered, ct);
        LogStopped(logger, copy.Source, trouble, copy.Source);
    }

    /// <summary>
    /// Gets missing events from their source, or reports them, once for each reading; true: the stream has to be opened again.
    /// </summary>
    private async Task<bool> ReportAsync(
        LiveSession session, StreamReading reading, CopyState state, Gap gap, CancellationToken ct)
    {
        if (!BrokerDefences.GapStops.On)
        {
            await tables.SkipToAsync(session.Connection, reading.Early!.Value, ct);
            return true;
        }
        if (await filler.FillAsync(session, reading, state, ct))
            return true;
        gap.Reported = true;
        await tables.TroubleAsync(
            session.Connection, $"the stream lacks the events from {reading.Last + 1} to {reading.Early - 1}", offered: null, ct);
        LogGap(logger, copy.Source, reading.Last + 1, reading.Early!.Value, copy.Source, reading.Last);
        return false;
    }

    /// <summary>How long events have been missing at the end of the stream.</summary>
    private sealed class Gap(TimeProvider time)
    {
        private long? since;

        internal bool Reported { get; set; }

        internal void Reset() => (since, Reported) = (null, false);

        internal bool IsLong(StreamReading reading)
        {
            if (reading.Early is null || reading.Read < reading.End.Offset)
                return false;
            since ??= time.GetTimestamp();
            return !Reported && time.GetElapsedTime(since.Value) >= LongestGap;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The copy of {Source}'s log could not be received and is tried again: {Error}",
        EventName = "copy-failed")]
    private static partial void LogFailed(ILogger logger, string source, string error);

    [LoggerMessage(2, LogLevel.Warning, "The broker is away: {Source}'s log is received when it is back. {Error}",
        EventName = "broker-away")]
    private static partial void LogAway(ILogger logger, string source, string error);

    [LoggerMessage(3, LogLevel.Information, "{Source}'s log is received again", EventName = "broker-back")]
    private static partial void LogBack(ILogger logger, string source);

    [LoggerMessage(4, LogLevel.Error, "Message {Offset} of {Source}'s stream was published by {By}, and not by {Publisher}: it was refused",
        EventName = "message-refused")]
    private static partial void LogForeign(ILogger logger, string source, long offset, string by, string publisher);

    [LoggerMessage(5, LogLevel.Error, "Message {Offset} of {Source}'s stream cannot be read and was left out: {Fault}",
        EventName = "message-unreadable")]
    private static partial void LogUnreadable(ILogger logger, string source, long offset, string? fault);

    [LoggerMessage(6, LogLevel.Error, "The copy of {Source}'s log has stopped: {Trouble}. After a restore of that log: boon log "
        + "accept-epoch {Module} [--from SEQUENCE]", EventName = "copy-stopped")]
    private static partial void LogStopped(ILogger logger, string source, string trouble, string module);

    [LoggerMessage(7, LogLevel.Error, "The copy of {Source}'s log waits for event {Missing}: the stream goes on at {Early} and does not "
        + "bring what lies between. Publish it again: boon ship {Module} --from {From}", EventName = "copy-gap")]
    private static partial void LogGap(ILogger logger, string source, long missing, long early, string module, long from);
}
