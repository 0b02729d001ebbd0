using System.Text.Json;
using Boon.Broker.Transport;
using Boon.Platform.Data;
using Boon.Platform.Operations;
using Boon.Platform.Services;

namespace Boon.Broker.Receiving;

/// <summary>
/// Gets for a copy what its stream no longer has from a process of the source: a copy that starts late, when the stream does not reach
/// back to the first event.
/// </summary>
internal sealed partial class CopyFiller(LogPlace copy, ModuleClient client, LogSignals signals, ILogger logger)
{
    private readonly CopyTables tables = new(copy, signals);

    /// <summary>True when the source gave the next event, and perhaps more: the stream has to be opened again.</summary>
    internal async Task<bool> FillAsync(LiveSession session, StreamReading reading, CopyState state, CancellationToken ct)
    {
        var from = state.Last;
        try
        {
            if ((await session.WaitAsync(client.SettleAsync(copy.Source, ct), ct)).LogId != reading.LogId)
                return false;
            await using var lines = await session.WaitAsync(client.OpenLogAsync(copy.Source, from, ct), ct);
            var events = new List<LoggedEvent>();
            await using var log = LogLines.ReadAsync(lines, copy.Source, ct).GetAsyncEnumerator(ct);
            while (await session.WaitAsync(log.MoveNextAsync().AsTask(), ct))
            {
                if (log.Current.Sequence != state.Last + events.Count + 1)
                    throw new BrokerException($"The log of {copy.Source} has no event {state.Last + events.Count + 1}.");
                events.Add(log.Current);
                if (events.Count == CopyReceiver.MostWritten)
                    state = await WriteAsync(session, reading, state, events, ct);
            }
            if (events.Count > 0)
                state = await WriteAsync(session, reading, state, events, ct);
        }
        catch (Exception error) when (error is SourceUnreachableException or IOException or HttpRequestException or JsonException)
        {
            LogNotFilled(logger, copy.Source, error.Message);
        }
        if (state.Last > from)
            LogFilled(logger, copy.Source, from + 1, state.Last);
        return state.Last > from;
    }

    /// <summary>The place in the stream stays: what comes there is passed up to what the copy has then.</summary>
    private async Task<CopyState> WriteAsync(
        LiveSession session, StreamReading reading, CopyState state, List<LoggedEvent> events, CancellationToken ct)
    {
        await tables.WriteAsync(
            session.Connection, state, reading.LogId, events, reading.Stream, reading.Offset, reading.SourceHead, ct);
        state = state with { Last = events[^1].Sequence, LogId = reading.LogId };
        events.Clear();
        return state;
    }

    [LoggerMessage(1, LogLevel.Information, "The copy of {Source}'s log got the events from {First} to {Last} from a process of the source",
        EventName = "copy-filled")]
    private static partial void LogFilled(ILogger logger, string source, long first, long last);

    [LoggerMessage(2, LogLevel.Warning, "What is missing in the copy of {Source}'s log could not be had from a process of the source: "
        + "{Error}", EventName = "copy-not-filled")]
    private static partial void LogNotFilled(ILogger logger, string source, string error);
}
