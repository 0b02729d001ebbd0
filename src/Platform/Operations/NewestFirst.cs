using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Log;

namespace Boon.Platform.Operations;

/// <summary>Makes one page, newest first, of the logs of several modules.</summary>
internal static class NewestFirst
{
    /// <summary>
    /// Reads a page. The cursor is, for each module's log, the sequence of the event that was shown last: <paramref name="below"/> has
    /// those of the page before, and <paramref name="read"/> reads what comes before one of them, one more than fits in the page.
    /// </summary>
    internal static async Task<GatheredPage<ListEvents.EventView>> ReadAsync(
        IReadOnlyList<HostedModule> logs, LogBarrier barrier, int limit, Dictionary<string, long>? below,
        Func<NpgsqlConnection, string, long, Task<List<LoggedEvent>>> read, CancellationToken ct)
    {
        var found = new List<(string Source, Queue<LoggedEvent> Events)>();
        foreach (var log in logs)
        {
            // Whoever has just got an answer finds its events here.
            await barrier.SettleAsync(log.Name, ct);
            await using var connection = await log.Database.Source.OpenConnectionAsync(ct);
            found.Add((log.Name, new(await read(
                connection, log.Database.Schema, below?.GetValueOrDefault(log.Name, long.MaxValue) ?? long.MaxValue))));
        }
        // The newest of those that lead their log comes next: each log keeps its own order.
        var newest = new List<LoggedEvent>(limit);
        var places = below is null ? [] : new Dictionary<string, long>(below, StringComparer.Ordinal);
        while (newest.Count < limit && found.Where(log => log.Events.Count > 0)
            .OrderByDescending(log => log.Events.Peek().RecordedAt).ThenBy(log => log.Source, StringComparer.Ordinal).FirstOrDefault() is
                { Events: { } first })
        {
            var e = first.Dequeue();
            newest.Add(e);
            places[e.Source] = e.Sequence;
        }
        var next = found.Exists(log => log.Events.Count > 0) ? PageQuery.Encode(places) : null;
        return new(newest.ConvertAll(ListEvents.EventView.Of), next, null);
    }
}
